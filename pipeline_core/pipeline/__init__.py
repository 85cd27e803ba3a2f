"""The program in three functions: plan, process, publish."""

from pipeline_core.pipeline.plan import plan
from pipeline_core.pipeline.process import process
from pipeline_core.pipeline.publish import publish

__all__ = ["plan", "process", "publish"]
