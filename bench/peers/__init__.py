"""The same job as others would do it: ``python -m bench.peers.NAME DATA DIMENSIONS REPORTS``."""
