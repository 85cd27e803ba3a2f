"""Conversations with a mail server: with checked TLS, bounded in time, clear on what is known."""
