"""What the checks found as JUnit's XML, which CI systems show as tests.

A check is a test suite, a finding a test case: drift is a failure, a check that could not be run an error,
too few rows a skipped test. The format is that of https://github.com/testmoapp/junitxml.
"""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from recwatch_exporter.process.state import CheckState
from recwatch_exporter.report import describe, limit
from recwatch_exporter.results import ALL

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
    for row in rows:
        segment = "" if row["segment"] == ALL else f" [{row['segment']}]"
        case = ET.SubElement(
            suite,
            "testcase",
            classname=_clean(f"{row['check']}.{row['type']}"),
            name=_clean(f"{row['feature']}{segment}"),
            time=f"{(state.duration or 0) / len(rows):.3f}",
        )
        outcomes.append(_outcome(case, state, row))
    suite.set("tests", str(len(rows)))
    for kind, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(kind, str(outcomes.count(element)))


def _outcome(case: ET.Element, state: CheckState, row: dict[str, object]) -> str | None:
    """Say how a test case ended; the name of the element, None for a test that passed."""
    figures = ", ".join(
        f"{name} {row[name]:.4g}"
        for name in ("statistic", "effect_size", "p_value")
        if isinstance(row[name], float)
    )
    if row["error"] is not None and row["statistic"] is None:
        kind, message = "error", str(row["error"])
    elif row["detected"]:
        kind, message = "failure", f"drift: {figures}; drift is an effect size {limit(state)}"
    elif row["enough_rows"] is False:
        kind, message = "skipped", f"fewer than {state.check.min_rows} rows"
    else:
        ET.SubElement(case, "system-out").text = _clean(figures)
        return None
    element = ET.SubElement(case, kind, message=_clean(message))
    if kind != "skipped":
        element.set("type", _clean(str(row["type"])))
        element.text = _clean(message)
    return kind


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
