"""Tables of a folder or a database that may hold customers and products, whatever their names."""
