"""What docs/checks/ says an effect is like, is what the code computes."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from recwatch_exporter.notebook import compare

PAGES = Path(__file__).parents[2] / "docs/checks"
_ROW = re.compile(r"^\| (.+) \| (\d\.\d\d) \|$", re.MULTILINE)
_BELL = norm.ppf((np.arange(4000) + 0.5) / 4000)
_ITEMS = np.arange(300)

Values = NDArray[np.float64]
Change = tuple[Values, Values]


def _rows() -> list[tuple[str, str, float]]:
    found = []
    for page in sorted(PAGES.glob("*.md")):
        _, _, table = page.read_text(encoding="utf-8").partition("| what changed | effect |\n")
        found += [(page.stem, what, float(effect)) for what, effect in _ROW.findall(table.split("\n\n")[0])]
    return found


def _higher(deviations: float) -> Change:
    return _BELL, _BELL + deviations


def _share(before: float, after: float, rows: int = 4000) -> Change:
    return tuple((np.arange(rows) < share * rows).astype(float) for share in (before, after))  # type: ignore[return-value] # two


def _outliers() -> Change:
    high = _BELL.copy()
    high[::100] += 10 * _BELL.std()
    return _BELL, high


def _half_stars() -> Change:
    stars = np.tile(np.arange(1.0, 6.0), 800)
    later = stars.copy()
    later[(stars < 5) & (np.arange(len(stars)) // 5 % 4 == 0)] += 0.5
    return stars, later


def _chosen(counts: NDArray[np.int64]) -> Values:
    return np.repeat(np.arange(len(counts), dtype=float), counts)


def _moved(share: float) -> Change:
    counts = 300 - _ITEMS
    rng = np.random.default_rng(7)
    places = rng.choice(_ITEMS, int(share * 300), replace=False)
    later = counts.copy()
    later[places] = counts[rng.permutation(places)]
    return _chosen(counts), _chosen(later)


def _gone(items: int) -> Change:
    return _chosen(300 - _ITEMS), _chosen(np.where(items <= _ITEMS, 300 - _ITEMS, 0))


def _boosted(by: float) -> Change:
    counts = np.round(10_000 / np.arange(1, 1001)).astype(np.int64)
    later = np.where(np.arange(1000) < 100, by * counts, counts)
    return _chosen(counts), _chosen(np.round(later).astype(np.int64))


CHANGES: dict[str, Callable[[], Change]] = {
    "every number is a tenth of a standard deviation higher": lambda: _higher(0.1),
    "every number is a quarter of a standard deviation higher": lambda: _higher(0.25),
    "every number is half of a standard deviation higher": lambda: _higher(0.5),
    "every number is one standard deviation higher": lambda: _higher(1),
    "the spread is half as wide again": lambda: (_BELL, 1.5 * _BELL),
    "one row in a hundred is ten standard deviations higher": _outliers,
    "half stars: every fourth rating of 1 to 4 goes up by a half": _half_stars,
    "a value's share goes from 10 % to 15 %": lambda: _share(0.1, 0.15),
    "a value's share goes from 10 % to 20 %": lambda: _share(0.1, 0.2),
    "a value's share goes from 10 % to 30 %": lambda: _share(0.1, 0.3),
    "a value's share goes from 50 % to 60 %": lambda: _share(0.5, 0.6),
    "a value that was never there takes 2 % of 4,000 rows": lambda: _share(0, 0.02),
    "a value that was never there takes 10 % of 4,000 rows": lambda: _share(0, 0.1),
    "a tenth of the items change places at random": lambda: _moved(0.1),
    "a fifth of the items change places at random": lambda: _moved(0.2),
    "half of the items change places at random": lambda: _moved(0.5),
    "the first item is gone": lambda: _gone(1),
    "the first five items are gone": lambda: _gone(5),
    "the first ten items are gone": lambda: _gone(10),
    "that tenth is chosen a fifth more often (73 %)": lambda: _boosted(1.2),
    "that tenth is chosen half as often again (77 %)": lambda: _boosted(1.5),
    "that tenth is chosen twice as often (82 %)": lambda: _boosted(2),
}


@pytest.mark.parametrize(("kind", "what", "effect"), _rows())
def test_a_change_has_the_effect_that_the_page_says(kind: str, what: str, effect: float) -> None:
    before, after = CHANGES[what]()
    column = "column" if kind != "classifier" else "columns"
    (finding,) = compare(
        pd.DataFrame({"x": before}),
        pd.DataFrame({"x": after}),
        **{"type": kind, column: "x" if column == "column" else ["x"], "permutations": 19},
    ).findings

    # The pages are about many rows, where the statistic is the effect; chi2's statistic is no effect.
    found = finding.effect_size if kind == "chi2" else finding.statistic
    loose = what.endswith("places at random") or kind == "classifier"
    assert found == pytest.approx(effect, abs=0.05 if loose else 0.006)
