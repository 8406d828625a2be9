"""`python -m recwatch_exporter`."""

import sys

from recwatch_exporter.main import main

if __name__ == "__main__":
    sys.exit(main())
