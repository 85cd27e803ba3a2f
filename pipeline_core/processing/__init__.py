"""One archive, from its zip to its partials and its receipt."""
