"""What the events of a run are counted by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from pipeline_core.kept.snapshots import load_customer_numbers, load_snapshot
from pipeline_core.ledger import RunLedger
from pipeline_core.machine.profile import EVENT_BYTES
from pipeline_core.messages import Manifest, Options, ReportPlugin
from pipeline_core.storage import Storage
from pipeline_core.transform.enrich import Enriched, enrich
from pipeline_core.transform.lookup import Dimensions, prepare
from pipeline_core.transform.reports import Report
from pipeline_core.transform.reports.plugins import reports_of
from pipeline_core.transform.sums import SumRules


@dataclass(frozen=True)
class Rules:
    """The run's customers and products, what it was told, and what its plug-ins add."""

    dimensions: Dimensions
    options: Options
    report_plugins: tuple[ReportPlugin, ...]

    @cached_property
    def reports(self) -> tuple[Report, ...]:
        """Ours and theirs. Raises ConfigError as ``reports_of`` does: for who makes reports."""
        return reports_of(self.report_plugins, self.options.returns)

    @cached_property
    def sums(self) -> SumRules | None:
        """What purchases are added up by that are certain; None if each of them has to be a row:
        for the report of a plug-in, or since nothing is compiled."""
        reports = (report for report in self.reports if not report.of_returns)
        if any(report.from_sums is None for report in reports):
            return None
        return self.dimensions.sum_rules

    def enrich(self, candidates: pa.Table, dates: pa.Array) -> Enriched:
        """Sales and rejects of ``candidates``: see `transform/enrich.py`."""
        options = self.options
        return enrich(candidates, dates, self.dimensions, options.unknown, options.returns)


def window_bytes(options: Options) -> int:
    """Text held at once: what ``batch_size`` events usually take."""
    return options.batch_size * EVENT_BYTES


def rules_of(ledger: RunLedger, manifest: Manifest) -> Rules:
    """The run's own customers, products and options. Raises ContractError if its snapshot is gone
    or damaged."""
    dimensions = load_dimensions(
        ledger.state, manifest.dimensions_digest, manifest.customer_numbers
    )
    return Rules(dimensions, manifest.options, manifest.report_plugins)


def load_dimensions(state: Storage, digest: str, customer_numbers: str | None) -> Dimensions:
    """The look-up tables of a manifest. Raises as ``rules_of`` does."""
    snapshot = load_snapshot(state, digest)
    numbers = load_customer_numbers(state, digest, customer_numbers)
    return prepare(snapshot.customers, snapshot.products, snapshot.scale, numbers)
