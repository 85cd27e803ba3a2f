"""The partials of a run as one table a report, and what of that is kept."""
