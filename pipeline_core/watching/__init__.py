"""A run as those see it who watch: counts, what runs, what is in trouble. Nothing is written."""
