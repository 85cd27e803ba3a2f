"""verify: a published run computed a second time, slowly and plainly, and compared.

Zips record by record, json, Decimal, dicts and sets, one part at a time. It shares the ledger, the
snapshot and the storages with the pipeline, and nothing of what reads, joins, adds up or writes.
"""

from pipeline_core.verify.verification import Difference, Verification, verify

__all__ = ["Difference", "Verification", "verify"]
