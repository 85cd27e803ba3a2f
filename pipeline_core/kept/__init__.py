"""What runs keep for later ones: extracts of days, and snapshots of customers and products."""
