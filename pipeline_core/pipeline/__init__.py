"""The program in three functions: plan, process, publish."""

from pipeline_core.pipeline.plan import plan
from pipeline_core.pipeline.process import process
from pipeline_core.pipeline.publish import fail, publish

__all__ = ["fail", "plan", "process", "publish"]
