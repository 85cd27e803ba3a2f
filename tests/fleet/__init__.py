"""Fleets on hosts of their own, and what befalls a host."""
