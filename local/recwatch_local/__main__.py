"""`python -m recwatch_local tools|up|down|check`."""

from recwatch_local.cli import main

raise SystemExit(main())
