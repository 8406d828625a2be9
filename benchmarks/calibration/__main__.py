"""How honest the drift checks are: false alarms where nothing has changed, power where something has.

An interrupted run goes on where it stopped: what was measured by the same code is in .bench/calibration/.
"""

import argparse
import os
import sys
from collections.abc import Collection
from time import perf_counter

from benchmarks.calibration import page, pictures, results
from benchmarks.calibration.cache import Cache
from benchmarks.calibration.nulls import NULLS
from benchmarks.calibration.plan import false_alarms, null_tasks, power_tasks, powers
from benchmarks.calibration.rates import SPLITS
from benchmarks.calibration.results import Results
from benchmarks.calibration.running import ONE_THREAD, run_all
from benchmarks.calibration.splits import PERMUTATIONS, SEED
from benchmarks.calibration.subjects import tried_types
from benchmarks.environments import DRIFT_PEERS


def main(arguments: list[str] | None = None) -> int:
    """Measure, print what came out, and with --write keep it.

    Returns:
        0; 1 where a rate is not as asked for, or our power is behind a peer's; 2 where something failed.
    """
    given = _parser().parse_args(arguments)
    if given.render:
        return _render()
    share = min(1.0, given.splits / SPLITS)
    nulls = [] if given.only == "power" else null_tasks(given.types, given.data, splits=given.splits)
    trials = [] if given.only == "rates" else power_tasks(given.types, share=share)
    print(
        f"seed {SEED}, {given.splits} splits, {PERMUTATIONS} permutations, {given.processes} processes: "
        f"{len(nulls)} tasks of splits, {len(trials)} of power",
        file=sys.stderr,
    )
    begun = perf_counter()
    os.environ.update(ONE_THREAD)  # for the processes to come
    outcome = run_all([*trials, *nulls], Cache(), processes=given.processes)
    measured = Results(
        SEED,
        results.versions(DRIFT_PEERS),
        false_alarms(nulls, outcome.results),
        powers(trials, outcome.results),
    )
    print(page.summary(measured))
    for name, error in outcome.errors.items():
        print(f"{name} failed: {error}", file=sys.stderr)
    print(f"{perf_counter() - begun:.0f} s", file=sys.stderr)
    if given.write:
        _keep(measured)
    if outcome.errors:
        return 2
    return 0 if all(item.rate.honest for item in measured.false_alarms) and not measured.behind() else 1


def _keep(measured: Results) -> None:
    before = results.read()
    whole = measured if before is None else before.merged(measured)
    results.write(whole.of([kind.name for kind in tried_types()]))
    _render()


def _render() -> int:
    stored = results.read()
    if stored is None:
        print("nothing is stored yet: run with --write", file=sys.stderr)
        return 2
    page.FILE.write_text(page.render(stored), encoding="utf-8")
    pictures.draw(stored)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    types = [kind.name for kind in tried_types()]
    parser.add_argument(
        "--splits", type=int, default=SPLITS, metavar="N", help=f"pairs of windows ({SPLITS})"
    )
    parser.add_argument(
        "--types",
        type=_list_of(types),
        default=types,
        metavar="A,B",
        help=f"of {', '.join(types)}; all by default",
    )
    parser.add_argument(
        "--data",
        type=_list_of(list(NULLS)),
        default=list(NULLS),
        metavar="A,B",
        help=f"of {', '.join(NULLS)}",
    )
    parser.add_argument("--only", choices=("rates", "power"), help="one half of the work")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="at once (2)")
    parser.add_argument("--write", action="store_true", help="keep the results, write docs/calibration.md")
    parser.add_argument("--render", action="store_true", help="only write the page from what is stored")
    return parser


class _list_of:  # noqa: N801 - reads as a function
    """Reads names that commas part."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = known

    def __call__(self, text: str) -> list[str]:
        names = text.split(",")
        unknown = [name for name in names if name not in self._known]
        if unknown:
            raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are {', '.join(self._known)}")
        return names


if __name__ == "__main__":
    sys.exit(main())
