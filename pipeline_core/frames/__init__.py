"""The notebook's face: the same walk, look-ups, reports and runs, as pandas DataFrames.

    events = EventExtractor("data")
    shop = DimensionLoader("dimensions")
    transformer = DataTransformer(shop.customers(), shop.products())
    reports = transformer.transform(events.batches(50_000))
    reports["sales_report"].to_csv(index=False)

The three classes know no settings: what they need is a keyword. `run` and `runs` do what the
command does, settings of the environment and of ``.env`` included. Nothing here ends the process,
and importing it changes nothing in it. Errors are those of `pipeline_core.errors`.

Columns of text have dtype object and hold ``str``, None where it is missing; money is ``Decimal``.
"""

from pipeline_core.frames.dimensions import DimensionLoader
from pipeline_core.frames.extractor import EventExtractor
from pipeline_core.frames.run_frames import Run, run, runs
from pipeline_core.frames.transformer import DataTransformer
from pipeline_core.messages import Limits

__all__ = ["DataTransformer", "DimensionLoader", "EventExtractor", "Limits", "Run", "run", "runs"]
