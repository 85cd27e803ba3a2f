"""Zips of unknown origin: directories, names and inflated bytes, none of which is believed."""
