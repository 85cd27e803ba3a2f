"""Customers and products: read once a run, frozen as a snapshot, looked up by every worker."""
