"""Speed, measured by ratio in one run; never asserted by the tests."""
