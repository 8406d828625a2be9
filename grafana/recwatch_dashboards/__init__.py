"""The code that generates grafana/dashboards/*.json: `recwatch-dashboards` writes, `--check` compares."""
