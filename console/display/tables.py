"""Tables that fit where they are shown: texts give way, figures never do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

_GAP = 2  # between columns
_EDGES = 2
# A column of texts that would be narrower than this reads badly: rows become blocks of lines.
_LEAST_TEXT = 10


@dataclass
class Grid:
    """Rows under headings. It is a table where there is room for one, and else a block of lines
    for each row. ``numbers`` are the places of right-aligned columns; these, and those in
    ``whole``, are never folded."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int] = frozenset()
    whole: frozenset[int] = frozenset()
    caption: str = ""

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        if self._least_width() <= options.max_width:
            yield self._table()
            return
        yield from self._blocks(options.max_width)
        if self.caption:
            yield Text(self.caption, style="italic dim")

    def _least_width(self) -> int:
        widths = [self._least(place) for place in range(len(self.headings))]
        return sum(widths) + _GAP * (len(widths) - 1) + _EDGES

    def _least(self, place: int) -> int:
        longest = max(cell_len(text) for text in (self.headings[place], *self._column(place)))
        return longest if place in self.numbers | self.whole else min(longest, _LEAST_TEXT)

    def _column(self, place: int) -> list[str]:
        return [row[place] for row in self.rows]

    def _table(self) -> Table:
        grid = Table(
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            padding=(0, 1, 0, 0),
            caption=self.caption or None,
        )
        for place, heading in enumerate(self.headings):
            grid.add_column(
                heading,
                justify="right" if place in self.numbers else "left",
                overflow="fold",
                no_wrap=place in self.numbers | self.whole,
                min_width=self._least(place),
            )
        for row in self.rows:
            grid.add_row(*map(Text, row))
        return grid

    def _blocks(self, width: int) -> RenderResult:
        """Each row as lines of a heading and what is under it; empty cells are left out. Where
        both do not fit in a line, the cell has the next."""
        room = max(cell_len(heading) for heading in self.headings) + _GAP
        for row in self.rows:
            for place, (heading, cell) in enumerate(zip(self.headings, row, strict=True)):
                if not cell:
                    continue
                if place in self.numbers | self.whole and room + cell_len(cell) > width:
                    yield Text(heading, style="bold")
                    yield Text(cell, overflow="fold")
                    continue
                line = Table.grid(padding=(0, _GAP, 0, 0))
                line.add_column(width=room - _GAP)
                line.add_column(overflow="fold")
                line.add_row(Text(heading, style="bold"), Text(cell))
                yield line
            yield Text("")
