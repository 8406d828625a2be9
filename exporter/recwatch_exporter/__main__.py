"""`python -m recwatch_exporter`: the same as the command `recwatch-exporter`."""

from recwatch_exporter.main import main

raise SystemExit(main())
