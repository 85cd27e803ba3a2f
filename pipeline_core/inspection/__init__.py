"""A feed and its tables that nobody has described yet: what they hold, and what would count it."""
