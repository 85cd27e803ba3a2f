"""Speed and memory, measured by ratio in one run; never asserted by the tests."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
