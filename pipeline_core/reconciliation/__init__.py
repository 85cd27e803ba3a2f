"""All that was bought, beside what of it is counted and what is left out, and in which words."""
