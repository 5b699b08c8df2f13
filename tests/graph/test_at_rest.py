"""What a stack costs while nothing runs, added up from everything that the component registers and from a sweep that
was rehearsed; and the pages say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from lustre_batch.definition import names
from lustre_batch.prices import HOURS_PER_MONTH, PRICES
from lustre_batch.settings import Settings

from rehearsal.aws.account import Account
from rehearsal.play.call_log import CallLog
from rehearsal.provider.mocks import deploy
from tests.docs import markdown
from tests.graph.recording import COMPONENT, Graph, Registration, record_stack

TABLE: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("at_rest.yaml").read_text("utf-8"))
LINES: dict[str, dict[str, Any]] = TABLE["lines"]
EGRESSES = ("public", "nat")
LIMITS = {"README.md": "docs/limits.md", "README.ja.md": "docs/limits.ja.md"}


@dataclass(frozen=True)
class Sweep:
    """One that finds nothing."""

    transitions: int
    calls: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Line:
    """What one thing comes to in a month: as it is billed, and where what AWS gives away is used up by others."""

    count: int
    billed: float
    beyond: float


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    """A stack that was deployed and left alone for some hours."""
    with Account() as account:
        exports = deploy(account).exports
        log = CallLog(account.clock, account.clock.now())
        account.calls.observer = log.observe
        account.authorise()
        account.schedules.start(str(exports["cleanUpStateMachineArn"]))
        account.clock.advance(2 * 3600 + 300)
        sweeps = list(account.executions.all.values())
        assert len(sweeps) >= 2
        assert {one.status for one in sweeps} == {"SUCCEEDED"}
        [transitions] = {one.transitions for one in sweeps}
        calls = [(call["service"], call["operation"]) for call in log.calls if call["execution"] == sweeps[-1].arn]
        account.stop()
    return Sweep(transitions, tuple(calls))


@pytest.fixture(scope="module")
def graphs() -> dict[str, Graph]:
    return {egress: record_stack({"lustre-batch:egress": egress}) for egress in EGRESSES}


def resources(graph: Graph) -> Iterator[Registration]:
    """All but the component, and providers."""
    return (one for one in graph.registrations if one.type != COMPONENT and not one.type.startswith("pulumi:"))


def lines(graph: Graph, sweep: Sweep) -> dict[str, Line]:
    """Every line of which there is something."""
    sweeps = round(HOURS_PER_MONTH * 60 / Settings().sweep_interval_minutes)
    counted = {
        "transitions": sweeps * sweep.transitions,
        "sweeps": sweeps,
        "reads": sweeps * sum(service == "dynamodb" for service, _ in sweep.calls),
    }
    found = {}
    for name, line in LINES.items():
        of = line["of"]
        count = counted[of] if isinstance(of, str) else sum(one.type in of for one in resources(graph))
        if count:
            billed = max(0, count - line.get("free", 0))
            found[name] = Line(count, billed * line["dollars"], count * line["dollars"])
    return found


def value(inputs: Mapping[str, Any], path: str) -> Any:
    found: Any = inputs
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


@pytest.mark.parametrize("egress", EGRESSES)
def test_every_type_of_resource_that_is_registered_has_a_price_or_a_reason_why_it_costs_nothing(
    graphs: dict[str, Graph], egress: str
) -> None:
    priced = {type_ for line in LINES.values() if not isinstance(line["of"], str) for type_ in line["of"]}
    registered = {one.type for one in resources(graphs[egress])}
    assert registered - priced - set(TABLE["nothing"]) == set()
    if egress == "nat":  # which has the most
        assert set(TABLE["nothing"]) - registered == set()


def test_what_costs_nothing_is_registered_in_the_way_that_costs_nothing(graphs: dict[str, Graph]) -> None:
    for one in resources(graphs["nat"]):
        rule = TABLE["nothing"].get(one.type, {})
        for path, wanted in rule.get("if", {}).items():
            assert value(one.inputs, path) == wanted, (one.name, path)
        assert [key for key in rule.get("without", []) if value(one.inputs, key)] == [], one.name


def test_a_sweep_at_rest_calls_nothing_that_is_charged_but_the_table_of_lanes(sweep: Sweep) -> None:
    assert {service for service, _ in sweep.calls} - {"dynamodb"} <= set(TABLE["calls"])
    assert {operation for service, operation in sweep.calls if service == "dynamodb"} <= {"GetItem", "Query"}


def test_the_prices_are_those_that_rehearsals_reckon_with() -> None:
    assert LINES["secret"]["dollars"] == PRICES["secret"].dollars
    assert LINES["sweeps"]["dollars"] == PRICES["transition"].dollars
    for name in ("nat", "address"):
        assert LINES[name]["dollars"] == pytest.approx(PRICES[name].dollars * HOURS_PER_MONTH)
    assert all(line["source"].startswith("https://aws.amazon.com/") for line in LINES.values())


def test_the_dashboard_is_small_enough_to_be_one_of_those_that_are_free(graphs: dict[str, Graph]) -> None:
    [dashboard] = [one for one in resources(graphs["nat"]) if one.type in LINES["dashboard"]["of"]]
    widgets = json.loads(dashboard.inputs["dashboardBody"])["widgets"]
    metrics = [metric for widget in widgets for metric in widget["properties"].get("metrics", [])]
    assert 10 < len(metrics) <= LINES["dashboard"]["metrics"]


def test_a_stack_at_rest_stays_under_a_dollar_a_month_with_public_egress(
    graphs: dict[str, Graph], sweep: Sweep
) -> None:
    assert sum(line.billed for line in lines(graphs["public"], sweep).values()) < 1
    assert not {"nat", "address"} & set(lines(graphs["public"], sweep))
    assert {"nat", "address"} <= set(lines(graphs["nat"], sweep))


def cents(dollars: float) -> str:
    return f"{dollars:,.2f}"


def amounts(cell: str) -> list[str]:
    return re.findall(r"\d[\d,]*\.\d\d", cell)


@pytest.mark.parametrize("page", LIMITS.values())
def test_the_page_has_the_sum_line_by_line(page: str, graphs: dict[str, Graph], sweep: Sweep) -> None:
    found = lines(graphs["nat"], sweep)
    [table] = [table for table in markdown.tables(page) if len(table[0]) == 4 and table[0][2] in ("a month", "月額")]
    *rows, public, nat = table[1:]
    assert len(rows) == len(found)
    for row, (name, line) in zip(rows, found.items(), strict=True):
        assert row[1] == f"{line.count:,}", (name, row)
        assert (amounts(row[2]), amounts(row[3])) == ([cents(line.billed)], [cents(line.beyond)]), (name, row)
        if name == "sweeps":
            assert f"{sweep.transitions}" in re.findall(r"\d+", row[0])
        if free := LINES[name].get("free"):
            assert f"{free:,}" in row[0], (name, row)
    for row, egress in ((public, "public"), (nat, "nat")):
        each = lines(graphs[egress], sweep).values()
        assert f"`egress: {egress}`" in row[0]
        assert amounts(row[2]) == [cents(sum(line.billed for line in each))]
        assert amounts(row[3]) == [cents(sum(line.beyond for line in each))]


@pytest.mark.parametrize("page", LIMITS.values())
def test_the_page_says_how_many_metrics_are_put_and_what_they_cost_and_a_sweep_at_rest_puts_none(
    page: str, sweep: Sweep
) -> None:
    definitions = "".join(markdown.text(f"components/lustre_batch/definition/{name}.asl.yaml") for name in names())
    metrics = set(re.findall(r"\$metric\('(\w+)'", definitions))
    assert len(metrics) > 10
    price = TABLE["metrics"]
    wanted = {f"{len(metrics)}", f"{price['dollars']:.2f}", f"{price['free']}"}
    cells = [" ".join(row) for table in markdown.tables(page) for row in table if len(row) == 3]
    assert [cell for cell in cells if wanted <= set(re.findall(r"\d+(?:\.\d+)?", cell))] != []
    assert ("cloudwatch", "PutMetricData") not in sweep.calls


@pytest.mark.parametrize("readme", LIMITS)
def test_the_readme_has_the_sums_and_every_line_that_is_not_nothing(
    readme: str, graphs: dict[str, Graph], sweep: Sweep
) -> None:
    [item] = [item for item in re.split(r"\n(?=- )", markdown.text(readme)) if "egress: public" in item]
    item = item.partition("\n\n")[0]
    public, nat = (lines(graphs[egress], sweep) for egress in EGRESSES)
    said = [float(number) for number in re.findall(r"\d+(?:\.\d\d)?", item)]
    assert round(sum(line.billed for line in nat.values())) in said
    assert round(sum(line.billed for line in public.values()), 2) in said
    together = {name: line.billed for name, line in nat.items() if name not in ("nat", "address")}
    together["nat"] = nat["nat"].billed + nat["address"].billed
    for name, dollars in together.items():
        if dollars >= 0.005:
            assert round(dollars, 2) in said, name
    for name, line in public.items():  # what others of the account may have used up
        if line.beyond - line.billed >= 0.005:
            assert round(line.beyond, 2) in said, name
    assert {sweep.transitions, public["schedule"].count} <= set(said)
