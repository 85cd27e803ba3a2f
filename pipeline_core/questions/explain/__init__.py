"""What a figure of a report is made of, down to the events."""
