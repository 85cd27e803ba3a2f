"""What waits in archive, day and part comes out in the order of the archive, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import published_csvs
from tests.support.run import rejects, run_local, summary

# Parts that wait, parts that are worked on before they end, and both once more in a second day.
SIZES = (1, 2, 40, 1, 1, 90, 3)


def _day(first: int, spoilt: int | None = None) -> bytes:
    parts = {}
    for number, size in enumerate(SIZES):
        nobody = [purchase(f"nobody{first + number}", quantity=n + 1) for n in range(size)]
        content = part([each for one in nobody for each in (one, purchase())])
        parts[f"{number}.json"] = content[:-1] if number == spoilt else content
    return day_zip(parts)


@pytest.mark.parametrize("batch_size", [1, 16, 50_000])
@pytest.mark.parametrize("spoilt", [None, 2])
def test_rejects_are_in_order_however_much_is_worked_on_at_once(
    tmp_path: Path, batch_size: int, spoilt: int | None
) -> None:
    days = {f"2024-03-0{n}.zip": _day(10 * n, spoilt if n == 2 else None) for n in (1, 2, 3)}
    days["2024-03-04.zip"] = b"no zip"
    shop = write_shop(tmp_path / "shop", {"week.zip": archive_zip(days)})
    outcome = run_local(shop, tmp_path / "1", batch_size=batch_size)
    found = [(row["day"], row["part"], int(row["position"])) for row in rejects(tmp_path / "1")]
    assert found == sorted(found)
    left_out = 0 if spoilt is None else SIZES[spoilt]
    assert len(found) == 3 * sum(SIZES) - left_out
    assert summary(outcome).events.counted == len(found)
    run_local(shop, tmp_path / "2", batch_size=7)
    assert published_csvs(tmp_path / "1") == published_csvs(tmp_path / "2")
