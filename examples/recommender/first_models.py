"""Build and train what has no version in service yet: `python -m recommender.first_models`.

A stack that starts for the first time needs something to serve; one that starts again is left as it is.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from recommender import train
from recommender.data import ensure_history
from recommender.embeddings import ensure_titles
from recommender.errors import RecommenderError
from recommender.fitters import FITTERS
from recommender.paths import Home
from recwatch.errors import RecwatchError
from recwatch.registry import ModelRegistry


def main(environment: Mapping[str, str] | None = None) -> int:
    """Encode titles, train each model that is missing; the exit code of the first that fails, otherwise 0."""
    variables = os.environ if environment is None else environment
    home = Home(Path(variables.get("RECWATCH_HOME") or "."))
    try:
        ensure_history(home)
        ensure_titles(home, push=variables.get("RECWATCH_PUSHGATEWAY") or None)
    except (RecommenderError, RecwatchError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for model in sorted(FITTERS):
        if ModelRegistry(home.artifacts(model)).current() is None:
            reasoned = {**variables, "RECWATCH_REASON": "the first version"}
            code = train.main(["--model", model, "--promote"], reasoned)
            if code != 0:
                return code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
