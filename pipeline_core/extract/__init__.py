"""Nested zips to candidate purchases, one bounded batch at a time."""
