"""What may be written for the address of a server: broker, database, mail, services, web."""
