"""A run under way: driven on this machine, taken up again, watched, told of."""
