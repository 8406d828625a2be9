"""Time another library's MMD test, in that library's environment: `python mmd_peer.py LIBRARY ROWS COLUMNS`.

Standard output gets a JSON object: seconds, and MiB of memory at the peak. Imports only what is there.
"""

# ruff: noqa: PLC0415 - an environment has one of the libraries
import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

PERMUTATIONS = 1000


def peak_mebibytes() -> float:
    """Of this program alone: what `resource` says counts the process that started it, too."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 2**10


def alibi_detect(reference: Any, current: Any) -> float:
    from alibi_detect.cd import MMDDrift  # type: ignore[import-not-found]

    begun = perf_counter()
    MMDDrift(reference, backend="pytorch", n_permutations=PERMUTATIONS).predict(current)
    return perf_counter() - begun


def evidently(reference: Any, current: Any) -> float:
    """Its test takes one column. Ten permutations are timed, and count a hundred times."""
    from evidently.legacy.calculations.stattests import mmd_stattest  # type: ignore[import-not-found]

    begun = perf_counter()
    kernel = mmd_stattest.kernel_matrix(reference[:, :1], current[:, :1])
    once = perf_counter() - begun
    begun = perf_counter()
    for _ in range(PERMUTATIONS // 100):
        mmd_stattest.mmd_2samp(kernel, len(current), permute=True)
    return once + (perf_counter() - begun) * 100


def main(library: str, rows: int, dimensions: int) -> None:
    rng = np.random.default_rng(0)
    sides = [rng.normal(size=(rows, dimensions)).astype(np.float32) for _ in range(2)]
    seconds = {"alibi-detect": alibi_detect, "evidently": evidently}[library](*sides)
    print(json.dumps({"seconds": seconds, "mebibytes": peak_mebibytes()}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
