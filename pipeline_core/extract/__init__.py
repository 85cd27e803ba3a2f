"""Days and parts to candidate purchases, one bounded batch at a time; extracts that are kept."""
