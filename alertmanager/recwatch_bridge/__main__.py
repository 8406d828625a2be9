"""`python -m recwatch_bridge` is `recwatch-bridge`."""

from recwatch_bridge.main import main

raise SystemExit(main())
