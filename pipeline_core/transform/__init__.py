"""Candidates to sales, sales to mergeable report partials. Pure computing, no storage."""
