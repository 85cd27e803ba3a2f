"""Somebody's code in our process: what it raises, prints and says, and when that shows."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from console.commands.plan import show_plan
from console.doctor.places import check_dimensions
from pipeline_core.dimensions.plugin import load_plugin, read_plugin
from pipeline_core.errors import ConfigError, PipelineError, RetryableError, message_of
from pipeline_core.frames import run
from pipeline_core.messages import ReportPlugin
from pipeline_core.publication.file_names import is_report_file
from pipeline_core.settings import Settings, load_settings
from pipeline_core.transform.reports import Report, plugins
from pipeline_core.transform.reports.plugins import chosen_plugins, reports_of
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop

CODE = """
import signal, sys
import pyarrow as pa
from pipeline_core.errors import RetryableError
from pipeline_core.transform.reports import Report

print("imported")
CUSTOMERS = pa.table({"customer_id": ["c1"], "segment": ["VIP"]})
PRODUCTS = pa.table({"product_id": ["p1"], "category": ["Toys"], "price": ["9.95"]})
EMPTY = pa.table({"units": pa.array([], pa.int64())})

class Own(BaseException):
    pass

class Unknown(Exception):
    pass

def read():
    print("called")
    return CUSTOMERS, PRODUCTS

def exits(*_):
    sys.exit(0)

def own(*_):
    raise Own("mine")

def unknown(*_):
    raise Unknown("no kind of ours")

def interrupted(*_):
    raise KeyboardInterrupt

def stopped(*_):
    try:
        signal.raise_signal(signal.SIGUSR1)
    except TimeoutError as error:
        raise ValueError("a library's") from error

def secret(*_):
    raise ValueError("https://user:canary@crm/ down")

def sleeps(*_):
    raise RetryableError("https://user:canary@crm/ sleeps", "Wake https://user:canary@crm/.")

def empty(*_):
    print("called")
    return EMPTY

number = 5
good = Report("good", EMPTY.schema, empty, empty, empty)
index = Report("index", EMPTY.schema, empty, empty, empty)
bad = Report("bad", EMPTY.schema, exits, own, unknown)
"""
FUNCTIONS = [
    "read",
    "exits",
    "own",
    "interrupted",
    "stopped",
    "secret",
    "sleeps",
    "number",
    "nothing",
]
SECRET = "canary"


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package acme 1.2, as pip leaves one."""
    site = tmp_path / "site"
    about = site / "acme-1.2.dist-info"
    about.mkdir(parents=True)
    (site / "acme_code.py").write_text(CODE)
    (site / "acme_exits.py").write_text("import sys\nsys.exit(0)\n")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.2\n")
    functions = [f"{name} = acme_code:{name}" for name in FUNCTIONS]
    reports = [f"{name} = acme_code:{name}" for name in ("good", "bad", "index")]
    (about / "entry_points.txt").write_text(
        "\n".join(
            [
                *("[sales_pipeline.dimensions]", *functions, "imported = acme_exits:read"),
                *("[sales_pipeline.reports]", *reports, "imported = acme_exits:REPORT"),
            ]
        )
    )
    monkeypatch.syspath_prepend(site)
    importlib.invalidate_caches()
    yield
    plugins._loaded.cache_clear()
    for name in ("acme_code", "acme_exits"):
        sys.modules.pop(name, None)


def _report(name: str) -> Report:
    return reports_of([ReportPlugin(name, "acme", "1.2")], "reject")[-1]


def _refusal(call: Callable[[], object]) -> ConfigError:
    with pytest.raises(PipelineError) as refused:
        call()
    assert isinstance(refused.value, ConfigError)
    return refused.value


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("exits", "SystemExit(0)"),
        ("own", "Own('mine')"),
        ("imported", "SystemExit(0)"),
        ("number", "TypeError('acme_code:number is no function')"),
    ],
)
def test_whatever_a_source_raises_is_told_by_its_package(name: str, said: str) -> None:
    refused = _refusal(lambda: read_plugin(f"plugin:{name}"))
    assert refused.message == f"plugin:{name} of acme 1.2 cannot be used: {said}."
    assert "has to be a function without arguments that returns two Arrow tables" in refused.remedy


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda bad: bad.aggregate(None, None), "SystemExit(0)"),
        (lambda bad: bad.merge([]), "Own('mine')"),
        (lambda bad: bad.finish(None, 2), "Unknown('no kind of ours')"),
    ],
)
def test_whatever_a_report_raises_is_told_by_its_package(
    call: Callable[[Report], object], said: str
) -> None:
    refused = _refusal(lambda: call(_report("bad")))
    assert refused.message == f"bad of acme 1.2 failed: {said}."
    assert "has to be a Report of pipeline_core.transform.reports" in refused.remedy


def test_a_report_whose_module_exits_is_told_by_its_package() -> None:
    refused = _refusal(lambda: chosen_plugins(["imported"]))
    assert refused.message == "imported of acme 1.2 cannot be used: SystemExit(0)."


def test_who_is_asked_to_stop_stops() -> None:
    with pytest.raises(KeyboardInterrupt):
        read_plugin("plugin:interrupted")
    with pytest.raises(SystemExit):
        _stopped_by(SystemExit())
    with pytest.raises(ValueError, match="a library's") as late:
        _stopped_by(TimeoutError("a limit"))
    assert isinstance(late.value.__cause__, TimeoutError)


def _stopped_by(stop: BaseException) -> None:
    def handler(*_: object) -> None:
        raise stop

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        read_plugin("plugin:stopped")
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_what_it_prints_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    read_plugin("plugin:read")
    good = _report("good")
    for made in (good.aggregate(pa.table({}), None), good.merge([]), good.finish(good, 2)):  # type: ignore[arg-type]
        assert made.num_rows == 0
    told = capsys.readouterr()
    assert (told.out, told.err.split()) == ("", ["imported", *["called"] * 4])
    print("ours")  # noqa: T201
    assert capsys.readouterr().out == "ours\n"


def test_what_it_says_has_no_credentials() -> None:
    refused = _refusal(lambda: read_plugin("plugin:secret"))
    assert "ValueError('https://***@crm/ down')" in refused.message
    with pytest.raises(RetryableError, match="sleeps") as later:
        read_plugin("plugin:sleeps")
    assert SECRET not in repr(later.value.args) + str(later.value)
    assert message_of(OSError("redis://:canary@h/0")) == "OSError('redis://***@h/0')"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a shop with one sale."""
    day = {"events_2024-03-01.zip": day_zip({"a.json": part([purchase("c1", "p1", 2)])})}
    shop = write_shop(tmp_path / "shop", {"week.zip": archive_zip(day)})
    places = {name: tmp_path / name for name in ("reports", "state")}
    return load_settings(
        {"data": str(shop.data), "dimensions": "plugin:read"}
        | {name: str(place) for name, place in places.items()}
    )


def test_a_plan_imports_and_names_them_and_calls_none(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = settings.model_copy(update={"report_plugins": "good"})
    show_plan(chosen, as_json=False)
    told = capsys.readouterr()
    assert "Customers and products by plugin:read of acme 1.2." in told.out
    assert "Reports by plug-ins: good of acme 1.2." in told.out
    assert told.err.split() == ["imported"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"report_plugins": "nosuch"}, "has the plug-in nosuch."),
        ({"dimensions": "plugin:nosuch"}, "has the plug-in plugin:nosuch."),
        ({"dimensions": "plugin:imported"}, "plugin:imported of acme 1.2 cannot be used"),
        ({"dimensions": "plugin:nothing"}, "plugin:nothing of acme 1.2 cannot be used"),
        ({"customers": "clients"}, "reads the tables that it knows"),
    ],
)
def test_a_plan_refuses_what_a_run_would(
    settings: Settings, changes: dict[str, str], said: str
) -> None:
    chosen = settings.model_copy(update=changes)
    assert said in _refusal(lambda: show_plan(chosen, as_json=True)).message


def test_a_run_in_a_notebook_fails_by_it(settings: Settings) -> None:
    given = {name: getattr(settings, name) for name in ("data", "reports", "state")}
    refused = _refusal(lambda: run(**given, dimensions="plugin:exits", jobs=1))
    assert refused.message == "plugin:exits of acme 1.2 cannot be used: SystemExit(0)."


def test_doctor_names_the_package_that_customers_come_from(settings: Settings) -> None:
    assert check_dimensions(settings).found.endswith("by plugin:read of acme 1.2")


@pytest.mark.parametrize("name", ["by_category", "daily_sales", "index", "rejects", "summary"])
def test_a_report_is_not_called_like_a_file_of_ours(name: str) -> None:
    refused = _refusal(lambda: chosen_plugins([name]))
    assert refused.message.endswith(f"names {name}, and every run has a file that is called so.")


@pytest.mark.parametrize("file", ["index.html", "summary.json", "rejects.csv"])
def test_every_file_of_ours_has_its_name_taken(file: str) -> None:
    assert is_report_file(file, [])
    _refusal(lambda: chosen_plugins([file.partition(".")[0]]))


def test_one_that_is_named_twice_is_refused() -> None:
    refused = _refusal(lambda: load_settings({"report_plugins": "good, other,good"}))
    assert "good stands twice" in str(refused)


def test_one_that_is_loaded_is_what_its_entry_point_names() -> None:
    assert load_plugin("plugin:read")()[0].column_names == ["customer_id", "segment"]
