"""A state whose files are vouched for by a key."""
