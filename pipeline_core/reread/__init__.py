"""From the bytes of an archive to its days, parts and events, by code of verify's own."""
