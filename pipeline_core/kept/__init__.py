"""What runs keep of days for later ones."""
