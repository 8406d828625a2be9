"""docs/calibration.md, from stored results alone."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from benchmarks.calibration.contests import CONTESTS, PERMUTATIONS
from benchmarks.calibration.nulls import NULLS
from benchmarks.calibration.rates import ALPHA, HIGHEST, LOWEST, SPLITS, Rate
from benchmarks.calibration.results import FalseAlarms, Power, Results
from benchmarks.calibration.subjects import SUBJECTS

FILE = Path(__file__).parent.parent.parent / "docs" / "calibration.md"

REASONS: Mapping[tuple[str, str], str] = MappingProxyType({})
"""Why a rate lies outside, by type and kind of data, where it is known."""

WHY_BEHIND: Mapping[str, str] = MappingProxyType(
    {
        "classifier, mean": (
            "alibi-detect trains what it is given, here a logistic regression, which looks at means alone. "
            "Ours looks at spread, shape and correlation too, which costs some power where only means move."
        )
    }
)
"""Why a rival finds more, by contest, where it is known."""

_NAMES = {
    "independent": "independent rows",
    "users": "MovieLens, users",
    "blocks": "series, blocks of time",
    "same_users": "the same users, 60 d against 7 d",
    "new_users": "new users too, 60 d against 7 d",
    "since_yesterday": "users, since yesterday",
}


def render(results: Results) -> str:
    """The page.

    Args:
        results: everything that it says in figures.
    """
    sections = (_head(results), _false_alarms(results), _power(results), _method(results))
    return "\n\n".join(sections) + "\n"


def _head(results: Results) -> str:
    behind, outside = results.behind(), [item for item in results.false_alarms if not item.rate.honest]
    return f"""# How honest the drift checks are

Written by `make calibrate` (`python -m benchmarks.calibration --write`) from what it measured; a test holds
this page and `benchmarks/calibration/results.json` together. Two questions:

- **False alarms.** Where nothing has changed, a check at `alpha: {ALPHA}` should find a drift in 5 of 100
  windows: a rate between {LOWEST} and {HIGHEST} is asked for.
  {_verdict_of_rates(results, outside)}
- **Power.** Where something has changed, a check should find it as often as the best other library's same
  test. {_verdict_of_power(results, behind)}

What is counted is p <= {ALPHA} alone. A check that runs asks for more: the effect must reach its threshold
too.{_short_run(results)}"""


def _short_run(results: Results) -> str:
    least = min((item.splits for item in results.false_alarms), default=SPLITS)
    if least >= SPLITS:
        return ""
    return (
        f"\n\n**A short run: {least:,} splits where {SPLITS:,} are asked for. It says little; run it whole.**"
    )


def _verdict_of_rates(results: Results, outside: Sequence[FalseAlarms]) -> str:
    every = len(results.false_alarms)
    if not outside:
        return f"All {every} rates below lie there."
    return f"{every - len(outside)} of {every} rates below lie there; the others are marked and listed."


def _verdict_of_power(results: Results, behind: Sequence[Power]) -> str:
    sizes = [item for item in results.power if item.shift]
    if not behind:
        return f"It does, or is within two standard errors, at all {len(sizes)} sizes below."
    reached = len(sizes) - len(behind)
    return f"At {reached} of {len(sizes)} sizes below it does, or is within two standard errors."


def _false_alarms(results: Results) -> str:
    kinds = "\n".join(f"- **{_NAMES[name]}**: {null.words}" for name, null in NULLS.items())
    return f"""## False alarms

Kinds of data without drift:

{kinds}
{_own_data(results)}
The plain test is the one that takes every row for independent: scipy's, where it has one, or else the same
check without `cluster`. In brackets: the exact 95 % interval.

{_table(_RATE_HEADINGS, [_rate_line(item) for item in results.false_alarms])}

![Rates of false alarms by type and kind of data](images/calibration-rates.png)
{_outside(results)}{_left_out(results)}"""


def _own_data(results: Results) -> str:
    there = dict.fromkeys(item.type for item in results.false_alarms)
    lines = [f"- `{name}`: {SUBJECTS[name].words}" for name in there if SUBJECTS[name].words]
    return "\nData of their own have:\n\n" + "\n".join(lines) + "\n" if lines else ""


_RATE_HEADINGS = (
    "type",
    "data",
    "splits",
    "alarms",
    "rate",
    "",
    "plain test",
    "its alarms",
    "its rate",
)


def _rate_line(item: FalseAlarms) -> tuple[str, ...]:
    rate = f"{item.rate.value:.3f} [{_interval(item.rate)}]"
    return (
        f"`{item.type}`",
        _NAMES[item.null],
        f"{item.splits:,}",
        f"{item.alarms:,}",
        rate,
        "" if item.rate.honest else f"**{_side(item.rate)}**",
        item.plain_name if item.null != "independent" or item.plain_name.startswith("scipy") else "the same",
        f"{item.plain:,}",
        f"{item.plain_rate.value:.3f}",
    )


def _interval(rate: Rate) -> str:
    return ", ".join(f"{end:.3f}" for end in rate.interval)


def _side(rate: Rate) -> str:
    return "too many" if rate.value > HIGHEST else "too few"


def _outside(results: Results) -> str:
    lines = [_explained(item) for item in results.false_alarms if not item.rate.honest]
    undefined = [
        f"- `{item.type}` on {_NAMES[item.null]}: in {item.undefined:,} of {item.splits:,} splits the "
        "statistic is not defined; they count as silent."
        for item in results.false_alarms
        if item.undefined
    ]
    written = ""
    if lines:
        written += f"\nOutside {LOWEST} to {HIGHEST}:\n\n" + "\n".join(lines) + "\n"
    if undefined:
        written += "\nWithout a p-value:\n\n" + "\n".join(undefined) + "\n"
    return written


def _explained(item: FalseAlarms) -> str:
    low, high = item.rate.interval
    chance = low <= HIGHEST if item.rate.value > HIGHEST else high >= LOWEST
    why = REASONS.get((item.type, item.null), "why is not known.")
    if chance:
        why = f"but with {item.splits:,} splits its interval still reaches the range."
    return f"- `{item.type}` on {_NAMES[item.null]}: {item.rate.value:.3f}, {_side(item.rate)}: {why}"


def _left_out(results: Results) -> str:
    there = {item.type for item in results.false_alarms}
    lines = [
        f"- `{name}` on {_NAMES[null]}: {reason}"
        for name, subject in SUBJECTS.items()
        if name in there
        for null, reason in subject.left_out.items()
    ]
    return "\nNot tried:\n\n" + "\n".join(lines) + "\n" if lines else ""


_ABOUT_POWER = f"""Share of pairs of windows in which p <= {ALPHA}, all tests on the same pairs, rows
independent. At size 0 it is the rate of false alarms; a library whose interval there lies wholly above
{HIGHEST} is shown, but is no rival: power bought with false alarms is none. An asterisk marks our power where
it is more than two standard errors below the best rival's."""


def _power(results: Results) -> str:
    contests = list(dict.fromkeys(item.contest for item in results.power))
    sections = [_contest(results, name) for name in contests]
    contested = {CONTESTS[contest].type for contest in contests}
    types = dict.fromkeys(item.type for item in results.false_alarms)
    others = ", ".join(f"`{name}`" for name in types if name not in contested)
    return "\n\n".join(
        (
            "## Power",
            _ABOUT_POWER,
            "![Power by the size of the shift](images/calibration-power.png)",
            *sections,
            *(
                (f"The other libraries have no test with a p-value for what these ask: {others}.",)
                if others
                else ()
            ),
        )
    )


def _contest(results: Results, name: str) -> str:
    contest = CONTESTS[name]
    found = [item for item in results.power if item.contest == name]
    behind = results.behind()
    lines = []
    for item in found:
        cells = [f"{item.rate(who).value:.3f}" for who in contest.everybody]
        cells[0] += "\\*" if item in behind else ""
        lines.append((f"{item.shift:g}", *cells))
    rivals = results.rivals(name)
    barred = [who for who in contest.everybody if who not in ("recwatch", *rivals)]
    note = f"\n\nNo rival, for its false alarms: {', '.join(barred)}." if barred else ""
    if any(item in behind for item in found):
        note += f"\n\n\\* {WHY_BEHIND.get(name, 'Why is not known.')}"
    return (
        f"### {name}\n\n{contest.words.capitalize()}. {found[0].trials:,} pairs a size.\n\n"
        f"{_table(('size', *contest.everybody), lines)}{note}"
    )


def _method(results: Results) -> str:
    used = ", ".join(f"{name} {number}" for name, number in results.versions.items())
    permutations = ", ".join(sorted({str(item.permutations) for item in results.false_alarms}))
    return f"""## How it was measured

A check is made as drift.yml makes it, and its family's own `freeze` and `measure` are run. Only the windows
are not the exporter's: they count arrays in memory, as asking an engine for each of some hundred thousand
windows takes longer than all the rest; a test shows that both answer the same. {permutations} permutations a
p-value, and {PERMUTATIONS}, the default, where power is looked at.

Windows of split i are drawn from `numpy.random.default_rng([{results.seed}, kind of data, i])`, the same for
every type; the check's `seed` is i. Versions: {used}. Other libraries run in environments of their own
(`benchmarks/environments.py`); alibi-detect's permutation tests with as many permutations, evidently's as it
has them."""


def _table(headings: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = (headings, ("---",) * len(headings), *lines)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def summary(results: Results) -> str:
    """What came out, for a terminal."""
    lines = []
    for item in results.false_alarms:
        mark = "" if item.rate.honest else f"  {_side(item.rate)}"
        lines.append(
            f"{item.type:14} {item.null:11} {item.alarms:5}/{item.splits} {item.rate.value:.3f} "
            f"[{_interval(item.rate)}]  plain {item.plain_rate.value:.3f}  undefined {item.undefined}  "
            f"{item.milliseconds:g} ms{mark}"
        )
    behind = results.behind()
    for power in results.power:
        rates = "  ".join(f"{who} {power.rate(who).value:.3f}" for who in power.detected)
        lines.append(f"{power.contest:17} {power.shift:4g}  {rates}{'  behind' if power in behind else ''}")
    return "\n".join(lines)
