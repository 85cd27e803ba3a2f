"""Where events stand in a part's bytes: its shape, and windows that are cut between two events."""
