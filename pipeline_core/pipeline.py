"""The program in three functions: plan, process, publish."""

from pipeline_core.ledger import last_publication
from pipeline_core.messages import Order
from pipeline_core.planning.plan import new_run_id, plan
from pipeline_core.processing.process import process
from pipeline_core.publication.publish import fail, publish

__all__ = ["Order", "fail", "last_publication", "new_run_id", "plan", "process", "publish"]
