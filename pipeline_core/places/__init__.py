"""The places of a run, before its work: whether they can be written, and whose they are."""
