"""The small frozen structs that cross a process border or are kept as JSON."""

from pipeline_core.messages.attempts import Attempt, Dispatch
from pipeline_core.messages.blocks import ArchiveBlock, WorkSizes
from pipeline_core.messages.closed_days import ClosedDays
from pipeline_core.messages.counts import (
    Counts,
    RejectFigures,
    RejectReason,
    ReturnFigures,
    Tally,
)
from pipeline_core.messages.dimension_source import DATABASE, DimensionSource
from pipeline_core.messages.feed import Condition, Feed, Ids, Numbers
from pipeline_core.messages.inputs import MOST_REPEATED, RepeatedEntry, Unreadable
from pipeline_core.messages.manifest import ArchiveRef, DayRef, Manifest
from pipeline_core.messages.memory import Known, Memory
from pipeline_core.messages.named_ids import NamedIds
from pipeline_core.messages.options import (
    DriftLimits,
    Limits,
    Options,
    Policy,
    ReturnsMode,
    Reuse,
    UnknownMode,
)
from pipeline_core.messages.outcome import Allowance, Outcome, RunState, Verdict
from pipeline_core.messages.plan_order import Order
from pipeline_core.messages.position import Position
from pipeline_core.messages.price_list import PriceList
from pipeline_core.messages.receipt import (
    DistinctReceipts,
    Receipt,
    ReusedBlock,
    ReusedReceipts,
)
from pipeline_core.messages.report_plugin import ReportPlugin, plugin_words
from pipeline_core.messages.stored_file import StoredFile
from pipeline_core.messages.summary import (
    MOST_MISSING,
    EventCounts,
    EventPlace,
    PartCounts,
    RejectSummary,
    Returns,
    RunStatus,
    Summary,
    Totals,
    UnlikeFirst,
    is_subtracted,
    undated_words,
    unlike_words,
)
from pipeline_core.messages.text import to_json
from pipeline_core.messages.work import Work

__all__ = [
    "DATABASE",
    "MOST_MISSING",
    "MOST_REPEATED",
    "Allowance",
    "ArchiveBlock",
    "ArchiveRef",
    "Attempt",
    "ClosedDays",
    "Condition",
    "Counts",
    "DayRef",
    "DimensionSource",
    "Dispatch",
    "DistinctReceipts",
    "DriftLimits",
    "EventCounts",
    "EventPlace",
    "Feed",
    "Ids",
    "Known",
    "Limits",
    "Manifest",
    "Memory",
    "NamedIds",
    "Numbers",
    "Options",
    "Order",
    "Outcome",
    "PartCounts",
    "Policy",
    "Position",
    "PriceList",
    "Receipt",
    "RejectFigures",
    "RejectReason",
    "RejectSummary",
    "RepeatedEntry",
    "ReportPlugin",
    "ReturnFigures",
    "Returns",
    "ReturnsMode",
    "Reuse",
    "ReusedBlock",
    "ReusedReceipts",
    "RunState",
    "RunStatus",
    "StoredFile",
    "Summary",
    "Tally",
    "Totals",
    "UnknownMode",
    "UnlikeFirst",
    "Unreadable",
    "Verdict",
    "Work",
    "WorkSizes",
    "is_subtracted",
    "plugin_words",
    "to_json",
    "undated_words",
    "unlike_words",
]
