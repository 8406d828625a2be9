"""`python -m recwatch_demo [--once]`."""

from recwatch_demo.cli import main

raise SystemExit(main())
