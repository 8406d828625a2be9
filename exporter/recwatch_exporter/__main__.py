"""`python -m recwatch_exporter`."""

from recwatch_exporter.entry import main

if __name__ == "__main__":
    main()
