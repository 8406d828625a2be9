"""`python -m recwatch_rules`."""

from recwatch_rules.main import main

raise SystemExit(main())
