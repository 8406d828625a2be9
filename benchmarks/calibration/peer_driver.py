"""Ask another library's test about many pairs of windows; run in that library's environment.

`python peer_driver.py TEST FILE`: FILE is an .npz with `reference` and `current`, (trials, rows, columns),
and standard output gets a JSON list: whether the test finds drift at 0.05, trial by trial. Imports only what
its environment has.
"""

# ruff: noqa: PLC0415 - an environment has one of the libraries
import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

ALPHA = 0.05
PERMUTATIONS = 999
Test = Callable[[Any, Any], bool]
"""Takes reference and current, (rows, columns)."""


def _alibi(detector: Any, current: Any) -> bool:
    return bool(detector.predict(current)["data"]["is_drift"])


def alibi_ks() -> Test:
    from alibi_detect.cd import KSDrift  # type: ignore[import-not-found]

    return lambda reference, current: _alibi(KSDrift(reference, p_val=ALPHA), current)


def alibi_chi2() -> Test:
    from alibi_detect.cd import ChiSquareDrift

    return lambda reference, current: _alibi(ChiSquareDrift(reference, p_val=ALPHA), current)


def alibi_mmd() -> Test:
    import torch  # type: ignore[import-not-found]
    from alibi_detect.cd import MMDDrift

    torch.manual_seed(0)

    def test(reference: Any, current: Any) -> bool:
        detector = MMDDrift(
            reference.astype(np.float32), backend="pytorch", p_val=ALPHA, n_permutations=PERMUTATIONS
        )
        return _alibi(detector, current.astype(np.float32))

    return test


def alibi_classifier() -> Test:
    from alibi_detect.cd import ClassifierDrift
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped,unused-ignore]

    def test(reference: Any, current: Any) -> bool:
        detector = ClassifierDrift(
            reference,
            LogisticRegression(),
            backend="sklearn",
            p_val=ALPHA,
            preds_type="probs",
            n_folds=5,
            seed=0,
        )
        return _alibi(detector, current)

    return test


def evidently_stattest(name: str, kind: str) -> Test:
    import pandas as pd
    from evidently.legacy.calculations.stattests import get_stattest  # type: ignore[import-not-found]
    from evidently.legacy.core import ColumnType  # type: ignore[import-not-found]

    column_type = getattr(ColumnType, kind)

    def test(reference: Any, current: Any) -> bool:
        before, after = pd.Series(reference[:, 0]), pd.Series(current[:, 0])
        return bool(get_stattest(before, after, column_type, name)(before, after, column_type, ALPHA).drifted)

    return test


def evidently_embedding(name: str) -> Test:
    import pandas as pd
    from evidently.legacy.metrics.data_drift import (  # type: ignore[import-not-found]
        embedding_drift_methods,
    )

    method = getattr(embedding_drift_methods, name)(bootstrap=True, quantile_probability=1 - ALPHA)

    def test(reference: Any, current: Any) -> bool:
        # It takes the current window first.
        return bool(method(pd.DataFrame(current), pd.DataFrame(reference))[1])

    return test


TESTS: dict[str, Callable[[], Test]] = {
    "alibi-ks": alibi_ks,
    "alibi-chi2": alibi_chi2,
    "alibi-mmd": alibi_mmd,
    "alibi-classifier": alibi_classifier,
    "evidently-ks": lambda: evidently_stattest("ks", "Numerical"),
    "evidently-t": lambda: evidently_stattest("t_test", "Numerical"),
    "evidently-chi2": lambda: evidently_stattest("chisquare", "Categorical"),
    "evidently-mmd": lambda: evidently_embedding("mmd"),
    "evidently-classifier": lambda: evidently_embedding("model"),
}


def main(name: str, path: str) -> None:
    warnings.filterwarnings("ignore")
    with np.load(path) as windows:
        pairs = list(zip(windows["reference"], windows["current"], strict=True))
    test = TESTS[name]()
    print(json.dumps([test(reference, current) for reference, current in pairs]))


if __name__ == "__main__":
    main(*sys.argv[1:])
