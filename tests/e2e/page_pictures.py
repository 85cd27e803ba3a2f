"""Screenshots of the page of a made-up shop, in all of its moods (WebP): for docs/images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from pipeline_core.messages import ClosedDays
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.chromium import Browser
from tests.support.run import latest, run_local

FIRST, LAST = date(2023, 1, 2), date(2024, 3, 19)
CATEGORIES = ("Garden", "Kitchen", "Lighting", "Stationery", "Toys")
SEGMENTS = ("Retail", "VIP", "Wholesale")
MISSING = {date(2024, 2, 13) + timedelta(days=age) for age in range(4)} | {date(2024, 3, 8)}
WHAT_THE_SHOP_IS: dict[str, Any] = {
    "shop": "Lighthouse Gifts",
    "currency": "EUR",
    "closed_days": ClosedDays(weekdays=(6,), each_year=("01-01", "12-25", "12-26")),
}


class Picture(NamedTuple):
    """What is taken: a page, from ``top`` (a selector) on, so high (CSS pixels)."""

    name: str
    page: Path
    fragment: str = ""
    width: int = 1100
    height: int = 1100
    top: str = ""
    click: str = ""


def take_pictures(folder: Path, scratch: Path, browser: Browser) -> None:
    """Into ``folder``; shops are made, and run, in ``scratch``."""
    for each in _pictures(scratch):
        url = each.page.absolute().as_uri() + each.fragment
        browser.open(url, width=each.width)
        if each.click:
            browser.one(each.click).click()
        image = browser.picture(each.height, top=each.top, kind="webp")
        (folder / f"page-{each.name}.webp").write_bytes(image)


def _pictures(scratch: Path) -> Iterator[Picture]:
    year = _run(scratch / "year", dict(_days(FIRST, LAST)))
    yield Picture("months", year, height=1250, top="#time")
    yield Picture("month", year, "#2024-02", height=1150, top="#period")
    yield Picture("gaps", year, height=620, top="#time", click="label[for=by-day]")
    yield Picture("calendar", year, height=900, top="#days")
    yield Picture("phone", year, "#2024-03-07", width=390, height=1500, top="#time")
    yield Picture("category", year.parent / "by_category" / "Toys.html", height=1250)
    days = dict(_days(date(2024, 3, 1), LAST))
    days["2024-03-19.zip"] = days["2024-03-19.zip"][:-40]
    yield Picture("incomplete", _run(scratch / "incomplete", days))
    yield Picture("one-day", _run(scratch / "one", dict(_days(LAST, LAST))))
    yield Picture("empty", _run(scratch / "empty", {"2024-03-19.zip": day_zip({"0.json": b"[]"})}))
    days = dict(_days(date(2023, 12, 1), date(2024, 1, 31), _came_back))
    returns = _run(scratch / "returns", days, returns="net")
    yield Picture("returns", returns, height=1500, click="label[for=by-day]")


def _run(folder: Path, days: Mapping[str, bytes], **options: Any) -> Path:
    customers = [(f"c{n}", "2020-01-01", SEGMENTS[n % 3]) for n in range(40)]
    products = [
        (f"p{n}", f"Product {n}", CATEGORIES[n % 5], f"{3 + n * 7 % 40}.{n % 2 * 5}0")
        for n in range(25)
    ]
    shop = write_shop(folder / "shop", {"year.zip": archive_zip(days)}, customers, products)
    run_local(shop, folder, **WHAT_THE_SHOP_IS, **options)
    return latest(folder) / "index.html"


def _days(
    first: date, last: date, further: Callable[[date], list[dict[str, Any]]] = lambda _: []
) -> Iterator[tuple[str, bytes]]:
    """Some 20 purchases a day, more in winter and at the end of the week."""
    for age in range((last - first).days + 1):
        day = first + timedelta(days=age)
        if day in MISSING or WHAT_THE_SHOP_IS["closed_days"].has(day):
            continue
        winter = 1 + 0.6 * math.cos(2 * math.pi * (day.timetuple().tm_yday + 10) / 365)
        count = round(12 * winter * (1 + day.weekday() / 8))
        at = day.toordinal()
        bought = [
            purchase(f"c{n * at % 37}", f"p{(n * n + at) % 25}", 1 + n * at % 5)
            for n in range(count)
        ]
        yield f"{day}.zip", day_zip({"0.json": part([*bought, *further(day)])})


def _came_back(day: date) -> list[dict[str, Any]]:
    """Something every day, and most of it after the feast."""
    count = 40 - 6 * (day.day - 27) if day.month == 12 and day.day > 26 else 2
    return [
        purchase(f"c{n * day.day % 37}", f"p{4 + 5 * (n % 4)}", -1 - n % 3) for n in range(count)
    ]
