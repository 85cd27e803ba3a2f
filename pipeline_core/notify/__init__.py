"""Notifications of a run's end, or of trouble, to a webhook and a command of the shop's."""
