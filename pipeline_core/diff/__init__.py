"""What changed between the reports of two runs, and why, to the last minor unit.

From the first report to the second in fixed steps, each of which changes one thing. What a step
does to a cell is the sum of what each archive, product or customer does there, so that the causes
of a cell add up to its change.
"""

from pipeline_core.diff.causes import Cause, CauseKind, CellChange, Difference
from pipeline_core.diff.compare import difference
from pipeline_core.diff.published_runs import chosen_runs

__all__ = ["Cause", "CauseKind", "CellChange", "Difference", "chosen_runs", "difference"]
