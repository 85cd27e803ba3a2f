"""The program in three functions: plan, process, publish."""

from pipeline_core.pipeline.publish import fail, last_publication, publish
from pipeline_core.planning.plan import new_run_id, plan
from pipeline_core.processing.process import process

__all__ = ["fail", "last_publication", "new_run_id", "plan", "process", "publish"]
