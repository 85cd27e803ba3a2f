"""What a person can do about input that was not understood, or may not be what it seems."""
