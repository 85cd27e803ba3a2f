"""A report that a package of the shop's own adds."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct


class ReportPlugin(Struct, frozen=True):
    """Which report, and what it was made by."""

    name: str
    """The report's name; its file is ``<name>.csv``."""
    package: str
    """Name of the package that has it."""
    version: str
    """Version of that package."""

    @property
    def words(self) -> str:
        """It, on one line: ``segment_sales of acme-reports 1.2``."""
        return f"{self.name} of {self.package} {self.version}".rstrip()


def plugin_words(plugins: Iterable[ReportPlugin]) -> str:
    """All of them, on one line."""
    return ", ".join(each.words for each in plugins) or "none"
