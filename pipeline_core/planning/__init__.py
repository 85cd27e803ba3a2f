"""What a run will do: archives, days and shares found, dimensions frozen."""
