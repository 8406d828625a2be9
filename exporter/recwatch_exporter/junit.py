"""What the checks found as JUnit's XML, which CI systems show as tests.

A check is a test suite, a finding a test case: drift is a failure, a check that could not be run an error,
too few rows a skipped test. The format is that of https://github.com/testmoapp/junitxml.
"""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from recwatch_exporter.config import Check
from recwatch_exporter.figures import amount, columns, few_rows
from recwatch_exporter.process.state import CheckState
from recwatch_exporter.report import describe, limit
from recwatch_exporter.results import ALL, Finding

# What XML 1.0 cannot hold at all, not even escaped (section 2.2).
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(states: Sequence[CheckState]) -> str:
    """The XML, in one document."""
    root = ET.Element("testsuites", name="recwatch-exporter")
    for state in states:
        _suite(root, state)
    for kind in ("tests", "failures", "errors", "skipped"):
        root.set(kind, str(sum(int(suite.get(kind, "0")) for suite in root)))
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'


def _suite(root: ET.Element, state: CheckState) -> None:
    rows = describe(state)
    suite = ET.SubElement(root, "testsuite", name=_clean(state.check.name), time=f"{state.duration or 0:.3f}")
    outcomes = []
    findings = [None] if state.result is None else list(state.result.findings)
    for row, finding in zip(rows, findings, strict=True):
        segment = "" if row["segment"] == ALL else f" [{row['segment']}]"
        case = ET.SubElement(
            suite,
            "testcase",
            classname=_clean(f"{row['check']}.{row['type']}"),
            name=_clean(f"{row['feature']}{segment}"),
            time=f"{(state.duration or 0) / len(rows):.3f}",
        )
        outcomes.append(_outcome(case, state, row, finding))
    suite.set("tests", str(len(rows)))
    for kind, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(kind, str(outcomes.count(element)))


def _outcome(
    case: ET.Element, state: CheckState, row: dict[str, object], finding: Finding | None
) -> str | None:
    """Say how a test case ended; the name of the element, None for a test that passed."""
    figures = "" if finding is None else _figures(state.check, finding)
    if row["error"] is not None and row["statistic"] is None:
        kind, message = "error", str(row["error"])
    elif row["detected"]:
        which = "" if finding is None else columns(finding)
        kind = "failure"
        message = f"drift: {figures}; drift is an effect size {limit(state)}{which and f'; {which}'}"
    elif finding is not None and not finding.enough_rows:
        kind, message = "skipped", few_rows(state.check, finding)
    else:
        ET.SubElement(case, "system-out").text = _clean(figures)
        return None
    element = ET.SubElement(case, kind, message=_clean(message))
    if kind != "skipped":
        element.set("type", _clean(str(row["type"])))
        element.text = _clean(message)
    return kind


def _figures(check: Check, finding: Finding) -> str:
    told = {"statistic": finding.statistic, "effect_size": finding.effect_size}
    parts = [f"{name} {amount(check, value)}" for name, value in told.items() if value is not None]
    return ", ".join(parts if finding.p_value is None else [*parts, f"p_value {finding.p_value:.4g}"])


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
