"""The benchmarks lie at the repository's root, which only `python -m` has on its path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))
