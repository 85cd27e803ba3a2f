"""What finished runs answer: why a figure is what it is, and what a range of days comes to."""
