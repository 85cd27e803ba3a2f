"""A run's receipts, judged and merged, become the newest report."""
