"""The exporter over HTTP: metrics, commands, a page for people."""
