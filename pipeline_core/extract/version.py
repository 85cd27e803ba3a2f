"""By what rules extracts are made."""

# Goes up whenever the same bytes would be extracted otherwise, or written otherwise.
EXTRACTION_VERSION = 8
