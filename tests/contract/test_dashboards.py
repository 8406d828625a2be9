"""What the dashboards ask for exists: labels, variables, alerts and their thresholds."""

import re
from typing import Any, Protocol

import promql_parser

from recwatch_dashboards.queries import without_variables
from recwatch_rules.tree import bare, children, metrics, operator, parse, selectors, walk

# Every series has these: Prometheus gives them.
OF_PROMETHEUS = {"job", "service", "instance"}
_LEGEND = re.compile(r"\{\{(\w+)\}\}")
_TELLS = re.compile(r"\b([A-Z][a-z]+(?:[A-Z]\w+)+) (?:fires|tells|asks)\b")


class Named(Protocol):
    """A query or a variable of the conftest."""

    place: str
    expr: str
    board: str
    name: str
    selector: str
    label: str


def _metric(name: str, documented: dict[str, Any]) -> Any:
    stem = re.sub(r"_(bucket|sum|count)$", "", name)
    return documented.get(name) or documented.get(stem)


def test_every_variable_has_values_where_its_metric_is(
    board_variables: list[Named], documented: dict[str, Any]
) -> None:
    assert board_variables
    for variable in board_variables:
        (selector,) = selectors(parse(variable.selector))
        for name in metrics(selector):
            row = _metric(name, documented)
            labels = OF_PROMETHEUS | (set(row.labels) if row else set())
            assert row or name == "up", f"{variable.board} {variable.name}: {name}"
            assert variable.label in labels, f"{variable.board} {variable.name}: {variable.label}"


def test_panels_choose_by_labels_that_their_metrics_have(
    board_queries: list[Named], documented: dict[str, Any]
) -> None:
    for query in board_queries:
        for selector in selectors(parse(query.expr)):
            for name in metrics(selector):
                row = _metric(name, documented)
                if row is not None:
                    asked = {matcher.name for matcher in selector.matchers.matchers} - {"__name__"}
                    assert asked <= OF_PROMETHEUS | {"le", *row.labels}, f"{query.place}: {name}"


def _summed(node: Any) -> list[str]:
    """The metrics that a sum takes as they are."""
    inner = [bare(part.expr) for part in walk(node) if operator(part) == "sum"]
    return [str(part.name) for part in inner if isinstance(part, promql_parser.VectorSelector)]


def test_no_query_counts_twice_what_replicas_share(
    board_queries: list[Named], documented: dict[str, Any]
) -> None:
    for query in board_queries:
        for name in _summed(parse(query.expr)):
            row = _metric(name, documented)
            assert row is None or row.type != "gauge", f"{query.place}: sum of {name} over instances"


def test_every_threshold_that_is_drawn_is_in_the_pack(
    board_queries: list[Named], rules: list[dict[str, Any]]
) -> None:
    drawn = {
        matcher.value
        for query in board_queries
        for selector in selectors(parse(query.expr))
        for matcher in selector.matchers.matchers
        if matcher.name == "alert"
    }
    known = {rule["labels"]["alert"] for rule in rules if rule.get("record") == "alert:threshold:default"}
    assert drawn
    assert drawn - known == set()


def test_every_alert_that_a_description_names_exists(
    boards: dict[str, dict[str, Any]], alerts: list[dict[str, Any]]
) -> None:
    named = {
        name
        for board in boards.values()
        for panel in board["panels"]
        for name in _TELLS.findall(panel.get("description", ""))
    }
    assert named
    assert named - {alert["alert"] for alert in alerts} == set()


def test_every_alert_is_named_by_a_panel_of_the_dashboard_that_it_leads_to(
    boards: dict[str, dict[str, Any]], alerts: list[dict[str, Any]]
) -> None:
    texts = {
        board["uid"]: " ".join(panel.get("description", "") for panel in board["panels"])
        for board in boards.values()
    }
    unnamed = [
        f"{alert['alert']}: {uid}"
        for alert in alerts
        for uid in re.findall(r"/d/([\w-]+)", alert["annotations"]["dashboard_url"])
        if not re.search(rf"\b{alert['alert']}\b", texts[uid])
    ]
    assert sorted(set(unnamed)) == []


def _labels(node: Any, documented: dict[str, Any]) -> set[str]:
    """The labels by which an expression's series differ, as far as docs/metrics.md tells."""
    if isinstance(node, promql_parser.AggregateExpr) and str(node.op) != "topk":
        return set(node.modifier.labels) if node.modifier else set()
    if isinstance(node, promql_parser.VectorSelector):
        row = _metric(str(node.name), documented)
        labels = set(row.labels) if row else set()
        fixed = {
            matcher.name for matcher in node.matchers.matchers if matcher.op == promql_parser.MatchOp.Equal
        }
        if row and row.type != "recorded":
            labels |= {"service", "instance"}
        return labels - fixed
    if isinstance(node, promql_parser.BinaryExpr):
        return _labels(node.lhs, documented) or _labels(node.rhs, documented)
    return set().union(*(_labels(child, documented) for child in children(node)))


def test_a_legend_names_all_that_its_series_differ_by(
    boards: dict[str, dict[str, Any]], documented: dict[str, Any]
) -> None:
    alike = {}
    for name, board in boards.items():
        for panel in board["panels"]:
            if panel["type"] not in {"timeseries", "state-timeline"}:
                continue
            for target in panel["targets"]:
                # What follows is a condition alone.
                expr = target["expr"].partition(" and on () (")[0]
                tree = parse(without_variables(expr))
                missing = _labels(tree, documented) - {"alert", *_LEGEND.findall(target["legendFormat"])}
                if missing:
                    alike[f"{name}: {panel['title']}: {target['legendFormat']}"] = sorted(missing)
    assert alike == {}


def test_a_row_of_a_table_is_one_thing(boards: dict[str, dict[str, Any]], documented: dict[str, Any]) -> None:
    """Grafana merges rows of several queries where all their labels agree."""
    tables = [
        (f"{name}: {panel['title']}", panel)
        for name, board in boards.items()
        for panel in board["panels"]
        if panel["type"] == "table" and panel["targets"][0]["datasource"]["type"] == "prometheus"
    ]
    assert tables
    for place, panel in tables:
        labels = [
            _labels(parse(without_variables(target["expr"])), documented) for target in panel["targets"]
        ]
        assert all(one == labels[0] for one in labels), place
        (columns,) = (change["options"] for change in panel["transformations"] if change["id"] == "organize")
        values = {field for field in columns["includeByName"] if field.startswith("Value")}
        assert len(values) == len(panel["targets"]), place
        assert set(columns["includeByName"]) - values <= labels[0], place
        set_apart = {
            override["matcher"]["options"]
            for override in panel["fieldConfig"]["overrides"]
            if override["matcher"]["id"] == "byName"
        }
        assert set_apart <= set(columns["renameByName"].values()), place


def test_an_alert_chooses_variables_that_its_dashboard_has(
    boards: dict[str, dict[str, Any]], alerts: list[dict[str, Any]]
) -> None:
    known = {
        board["uid"]: {variable["name"] for variable in board["templating"]["list"]}
        for board in boards.values()
    }
    for alert in alerts:
        url = alert["annotations"]["dashboard_url"]
        (uid,) = re.findall(r"/d/([\w-]+)", url)
        chosen = set(re.findall(r"[?&]var-(\w+)=", url))
        assert chosen <= known[uid], f"{alert['alert']}: {url}"
