"""OpenLineage: what a run reads and writes, told to whoever draws where figures come from."""
