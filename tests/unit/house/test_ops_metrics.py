"""Prometheus' rules, Grafana's dashboard and KEDA's query ask for metrics that there are, by labels
and values that these have. Their language is read by a parser of it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import promql_parser
import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from console.serving.metrics import Shown, exposition
from pipeline_core.running.metrics import Metrics
from tests.support import PROJECT
from tests.support.ops_files import dashboard, load_manifests, rules

NOW = datetime(2024, 3, 1, tzinfo=UTC)


def _expressions() -> dict[str, str]:
    """By where they stand."""
    found = {rule["alert"]: rule["expr"] for rule in rules()}
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            found[f"{panel['title']} {target['refId']}"] = target["expr"]
    [trigger] = load_manifests()["ScaledObject/sales-worker"]["spec"]["triggers"]
    return found | {"keda": trigger["metadata"]["query"]}


EXPRESSIONS = _expressions()


@pytest.fixture(scope="module")
def known() -> dict[str, dict[str, set[str]]]:
    """Every metric of ``serve`` and of workers, with labels and their values if they are few."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    told = exposition(Shown(None, (), NOW, NOW), NOW).decode()
    for family in text_string_to_metric_families(told):
        for sample in family.samples:
            for label, value in sample.labels.items():
                found[sample.name][label].add(value)
            found[sample.name].setdefault("", set())
    counted = vars(Metrics()).values()
    for each in counted:
        REGISTRY.unregister(each)
        [family] = each.describe()
        endings = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
        for ending in endings.get(family.type, [""]):
            found[family.name + ending] |= {label: set() for label in each._labelnames}
    return found


def _selectors(expression: str) -> Iterator[promql_parser.VectorSelector]:
    seen: list[Any] = []
    promql_parser.walk(promql_parser.parse(expression), seen.append)
    return (each for each in seen if isinstance(each, promql_parser.VectorSelector))


def _problems(expression: str, known: dict[str, dict[str, set[str]]]) -> Iterator[str]:
    names = [each.name for each in _selectors(expression)]
    if not names:
        yield "it asks for no metric"
    for each in _selectors(expression):
        if each.name not in known:
            yield f"there is no metric {each.name}"
            continue
        for matcher in each.matchers.matchers:
            values = known[each.name].get(matcher.name)
            if values is None:
                yield f"{each.name} has no label {matcher.name}"
            elif values and not set(matcher.value.split("|")) <= values:
                yield f"{matcher.name} of {each.name} is never {matcher.value}"


@pytest.mark.parametrize("where", EXPRESSIONS)
def test_what_is_asked_for_is_there(where: str, known: dict[str, dict[str, set[str]]]) -> None:
    assert list(_problems(EXPRESSIONS[where], known)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "max(sales_work_piece)",
        'max(sales_work_pieces{state="idle"})',
        'max(sales_run_phase{phase=~"failed|lost"})',
        'max(sales_work_pieces{host="a"})',
        "sum(rate(sales_events[5m]))",
        "1 + 1",
    ],
)
def test_what_is_not_there_is_seen(wrong: str, known: dict[str, dict[str, set[str]]]) -> None:
    assert list(_problems(wrong, known))


def test_what_is_no_expression_is_seen() -> None:
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        promql_parser.parse("max(sales_work_pieces")


def test_every_alert_says_what_to_do() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names) > 4
    for rule in rules():
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}, rule
        assert set(rule["annotations"]) == {"summary", "remedy"}, rule
        assert all(text.endswith(".") for text in rule["annotations"].values()), rule
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    told = dashboard()
    panels = told["panels"]
    assert {panel["datasource"]["uid"] for panel in panels} == {"${datasource}"}
    assert [each["name"] for each in told["templating"]["list"]] == ["datasource"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(taken)) == len(taken), "panels lie on each other"
    assert max(x for x, _ in taken) < 24
    for panel in panels:
        assert panel["description"].endswith("."), panel["title"]


def test_every_metric_of_serve_is_shown_and_documented(
    known: dict[str, dict[str, set[str]]],
) -> None:
    text = (PROJECT / "docs/operations.md").read_text()
    for name in known:
        stem = name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
        assert f"`{stem}" in text, name
