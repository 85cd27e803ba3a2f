"""Whether a worker can work at all, whatever the work, and what becomes of one that cannot."""
