from pathlib import Path

import pytest

from benchmarks.calibration.cache import Cache
from benchmarks.calibration.running import run_all
from benchmarks.calibration.splits import Splits

GOOD = Splits("row_count", "independent", 0, 3)
BAD = Splits("row_count", "nothing", 0, 3)


@pytest.mark.all
def test_one_that_fails_does_not_lose_the_others_and_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    outcome = run_all([BAD, GOOD], cache, processes=2)

    assert outcome.results[GOOD.name]["splits"] == 3
    assert outcome.errors == {BAD.name: "KeyError: 'nothing'"}
    assert cache.read(GOOD.name, GOOD.code) == outcome.results[GOOD.name]
    assert cache.read(BAD.name, BAD.code) is None


def test_what_the_cache_holds_is_not_done_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.write(BAD.name, BAD.code, {"splits": 7})

    assert run_all([BAD], cache, processes=1).results == {BAD.name: {"splits": 7}}
