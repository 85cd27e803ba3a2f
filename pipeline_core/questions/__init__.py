"""What published runs answer: why a figure is what it is, and what changed."""
