"""Links among the archives: what leads out is not read, also if it leads out a moment later."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from pipeline_core.errors import EventsGone, PublishRefused, UnreadableArchive
from pipeline_core.ledger import RunLedger
from pipeline_core.publication.rebuild import rebuild
from pipeline_core.questions.explain.explain import explain
from pipeline_core.questions.explain.explanation import Cell
from pipeline_core.questions.range_report import range_sales
from pipeline_core.storage import open_archives, open_storage
from pipeline_core.storage.archives import ArchiveFolder
from pipeline_core.verify import verify
from tests.support.archives import Shop, write_shop
from tests.support.run import (
    plan_local,
    process_local,
    publish_local,
    run_local,
    sales,
    summary,
    units,
    unreadable,
    week,
)
from tests.support.verified import assert_agrees

GOOD = week(sales(3))
SECRET = week(sales(4), day="2024-03-02.zip")
_CANNOT = r"the archive cannot be read any more: it is a"
_OUT = "which leads out of the folder of the archives"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret").write_bytes(SECRET)
    return write_shop(tmp_path / "shop", {"good.zip": GOOD})


def _absolute(data: Path, out: Path) -> None:
    (data / "link.zip").symlink_to(out / "secret")


def _relative(data: Path, out: Path) -> None:
    (data / "link.zip").symlink_to(os.path.relpath(out / "secret", data))


def _through_a_link(data: Path, out: Path) -> None:
    (data / "hop").symlink_to(out / "secret")
    (data / "link.zip").symlink_to("hop")


def _through_a_folder(data: Path, out: Path) -> None:
    (data / "folder").symlink_to(out)
    (data / "link.zip").symlink_to("folder/secret")


def _beside_the_folder(data: Path, out: Path) -> None:
    """A name that begins as the folder's does."""
    (out / "secret").rename(data.with_name(f"{data.name}-2"))
    (data / "link.zip").symlink_to(f"../{data.name}-2")


OUT = [_absolute, _relative, _through_a_link, _through_a_folder, _beside_the_folder]


@pytest.mark.parametrize("link", OUT)
def test_a_link_that_leads_out_is_unreadable_unless_it_may_be_followed(
    shop: Shop, tmp_path: Path, link: Callable[[Path, Path], None]
) -> None:
    link(shop.data, tmp_path / "elsewhere")
    outcome = run_local(shop, tmp_path)
    (cause,) = unreadable(outcome).values()
    assert list(unreadable(outcome)) == [("link.zip", None, None)]
    assert cause.startswith("it is a symbolic link to ")
    assert _OUT in cause
    assert "SALES_FOLLOW_LINKS=true" in cause
    assert (outcome.exit_code, units(outcome)) == (3, 3)
    assert_agrees(tmp_path, outcome)
    followed = run_local(shop, tmp_path, follow_links=True)
    assert (followed.exit_code, units(followed)) == (0, 7)
    assert_agrees(tmp_path, followed)
    again = run_local(shop, tmp_path)
    assert units(again) == 3, "what a run before read is of no more use"


def test_what_leads_out_and_is_no_file_is_not_looked_at(shop: Shop, tmp_path: Path) -> None:
    (shop.data / "device.zip").symlink_to("/dev/null")
    (shop.data / "gone.zip").symlink_to(tmp_path / "nowhere")
    (shop.data / "stdin.zip").symlink_to("/dev/stdin")
    (shop.data / "process.zip").symlink_to("/proc/self/environ")
    causes = unreadable(run_local(shop, tmp_path))
    assert len(causes) == 4
    assert all(_OUT in cause for cause in causes.values())


def test_a_file_of_the_archives_by_a_descriptor_of_a_process_is_that_file(
    shop: Shop, tmp_path: Path
) -> None:
    with (shop.data / "good.zip").open("rb") as file, (tmp_path / "elsewhere/secret").open() as out:
        (shop.data / "in.zip").symlink_to(f"/proc/{os.getpid()}/fd/{file.fileno()}")
        (shop.data / "out.zip").symlink_to(f"/proc/{os.getpid()}/fd/{out.fileno()}")
        outcome = run_local(shop, tmp_path)
    assert [place[0] for place in unreadable(outcome)] == ["out.zip"]
    assert (summary(outcome).archives.duplicate, units(outcome)) == (1, 3)


def test_a_link_inside_is_followed_and_identical_bytes_count_once(
    shop: Shop, tmp_path: Path
) -> None:
    (shop.data / "stock").mkdir()
    (shop.data / "stock" / "other").write_bytes(SECRET)
    (shop.data / "again").symlink_to("stock")
    (shop.data / "b.zip").symlink_to("again/other")
    (shop.data / "c.zip").symlink_to(shop.data / "good.zip")
    outcome = run_local(shop, tmp_path)
    assert (outcome.exit_code, units(outcome)) == (0, 7)
    assert summary(outcome).archives.duplicate == 1
    assert_agrees(tmp_path, outcome)


def test_the_folder_itself_may_be_a_link(shop: Shop, tmp_path: Path) -> None:
    (shop.data / "link.zip").symlink_to("good.zip")
    (tmp_path / "named").symlink_to(shop.data)
    outcome = run_local(Shop(tmp_path / "named", shop.dimensions), tmp_path)
    assert (outcome.exit_code, units(outcome)) == (0, 3)
    assert_agrees(tmp_path, outcome)


def test_folders_that_links_name_are_counted_and_not_looked_into(
    shop: Shop, tmp_path: Path
) -> None:
    (shop.data / "out").symlink_to(tmp_path / "elsewhere")
    (shop.data / "itself").symlink_to(shop.data)
    (shop.data / "out.zip").symlink_to(tmp_path / "elsewhere")
    outcome = run_local(shop, tmp_path)
    assert unreadable(outcome) == {("out.zip", None, None): "it is a folder, not a file"}
    assert summary(outcome).ignored == {"/": 2}
    with pytest.raises(UnreadableArchive, match=_OUT):
        open_archives(str(shop.data), follow_links=False).contents("out")


# --- later than the plan -------------------------------------------------------------------------


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _loop_of_two(path: Path) -> None:
    path.symlink_to("other.zip")
    path.with_name("other.zip").symlink_to(path)


def _out(path: Path) -> None:
    path.symlink_to(path.parent.parent.parent / "elsewhere" / "secret")


def _nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


def _to_a_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def _to_a_folder(path: Path) -> None:
    path.with_name("folder").mkdir()
    path.symlink_to("folder")


LATER = [
    (_loop, "which cannot be followed: Too many levels of symbolic links"),
    (_loop_of_two, "which cannot be followed: Too many levels of symbolic links"),
    (_out, _OUT),
    (_nowhere, "it is a symbolic link to nowhere, which is not there"),
    (os.mkfifo, "it is a named pipe, not a file"),
    (Path.mkdir, "it is a folder, not a file"),
    (_to_a_pipe, "it is a named pipe, not a file"),
    (_to_a_folder, "it is a folder, not a file"),
    (lambda _: None, "the archive vanished after the run was planned"),
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("become", "cause"), LATER)
def test_what_an_archive_becomes_after_the_plan_costs_that_archive_alone(
    shop: Shop, tmp_path: Path, become: Callable[[Path], object], cause: str
) -> None:
    archive = shop.data / "z.zip"
    archive.write_bytes(SECRET)
    manifest = plan_local(shop, tmp_path)
    archive.unlink()
    become(archive)
    process_local(tmp_path, manifest)
    assert publish_local(tmp_path, manifest).state == "refused"
    outcome = publish_local(tmp_path, manifest, allow_incomplete=True)
    assert [place[0] for place in unreadable(outcome)] == ["z.zip"]
    assert cause in unreadable(outcome)["z.zip", None, None]
    assert (outcome.exit_code, units(outcome)) == (3, 3)


def test_a_run_is_not_rebuilt_from_what_became_a_link(shop: Shop, tmp_path: Path) -> None:
    (shop.data / "z.zip").write_bytes(SECRET)
    outcome = run_local(shop, tmp_path)
    for receipt in (tmp_path / "state" / "runs" / outcome.run_id / "receipts").iterdir():
        receipt.unlink()
    (shop.data / "z.zip").unlink()
    _out(shop.data / "z.zip")
    with pytest.raises(PublishRefused, match=_CANNOT) as refused:
        rebuild(str(tmp_path / "state"), outcome.run_id)
    assert "SALES_FOLLOW_LINKS=true" in refused.value.message


@pytest.mark.parametrize(
    ("become", "cause"), [each for each in LATER if each[0] is not LATER[-1][0]]
)
def test_who_asks_of_a_run_is_told_what_its_archive_became(
    shop: Shop, tmp_path: Path, become: Callable[[Path], object], cause: str
) -> None:
    (shop.data / "z.zip").write_bytes(SECRET)
    outcome = run_local(shop, tmp_path)
    ledger = RunLedger(open_storage(str(tmp_path / "state")), outcome.run_id)
    shutil.rmtree(tmp_path / "state" / "kept")
    (shop.data / "z.zip").unlink()
    become(shop.data / "z.zip")
    found = verify(ledger.state.uri, outcome.run_id).difference
    assert found is not None
    assert (found.place, cause in found.recomputed) == ("z.zip", True)
    for ask in (
        lambda: explain(ledger, Cell("Office", "Retail", None), 3),
        lambda: range_sales(ledger, date(2024, 3, 2), date(2024, 3, 2)),
    ):
        with pytest.raises(EventsGone) as gone:
            ask()
        assert re.search(_CANNOT, gone.value.message)
        assert cause in gone.value.message
    for result in (tmp_path / "state" / "runs" / outcome.run_id / "receipts").iterdir():
        result.write_bytes(result.read_bytes().partition(b"\0")[0] + b"\0")
    with pytest.raises(PublishRefused) as refused:
        rebuild(ledger.state.uri, outcome.run_id)
    assert cause in refused.value.message


class _Exchanged(ArchiveFolder):
    """A file becomes a link after it was looked at, and before it is opened."""

    def _opened(self, place: str) -> int:
        path = self.root / place
        path.unlink()
        path.symlink_to(self.root.parent.parent / "elsewhere" / "secret")
        return super()._opened(place)


def test_a_link_that_comes_between_look_and_opening_is_not_followed(shop: Shop) -> None:
    data = _Exchanged(shop.data, follow_links=False)
    with pytest.raises(UnreadableArchive), data.open("good.zip"):
        pass


class _FolderExchanged(ArchiveFolder):
    """A folder on the way becomes a link."""

    def _opened(self, place: str) -> int:
        folder = (self.root / place).parent
        folder.rename(self.root / "aside")
        folder.symlink_to(self.root.parent.parent / "elsewhere")
        return super()._opened(place)


def test_a_folder_that_becomes_a_link_is_not_passed_through(shop: Shop) -> None:
    (shop.data / "stock").mkdir()
    (shop.data / "stock" / "secret").write_bytes(GOOD)
    (shop.data / "week.zip").symlink_to("stock/secret")
    data = _FolderExchanged(shop.data, follow_links=False)
    with pytest.raises(UnreadableArchive), data.open("week.zip"):
        pass


@contextmanager
def _opening(data: ArchiveFolder, key: str) -> Iterator[bytes]:
    with data.fetched(key) as file:
        yield file.read()


@pytest.mark.parametrize("follow_links", [True, False])
def test_what_is_read_is_whole_and_of_that_file(shop: Shop, follow_links: bool) -> None:
    (shop.data / "stock").mkdir()
    (shop.data / "stock" / "other").write_bytes(SECRET)
    (shop.data / "week.zip").symlink_to("stock/other")
    data = ArchiveFolder(shop.data, follow_links=follow_links)
    with _opening(data, "week.zip") as content:
        assert content == SECRET
    assert data.stat("week.zip").size == len(SECRET)
    assert data.stat("week.zip") in data.files()
    with pytest.raises(FileNotFoundError):
        data.stat("nowhere.zip")
    with pytest.raises(UnreadableArchive, match="it is a folder"), data.open("stock"):
        pass
