"""A worker that cannot work: it hands back what it has, stands aside, and is noted."""
