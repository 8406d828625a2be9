"""One self-contained HTML file about the last day or week, from the API of Prometheus. See docs/report.md.

`ask` collects what Prometheus knows, `build` makes a report of it, `page` writes it down; the command
`recwatch report` and the bridge's weekly mail do the three, one after the other.
"""

__all__: list[str] = []
