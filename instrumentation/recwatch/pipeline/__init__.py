"""Watch a data pipeline: log lines, a row in the store, and metrics that stay when the process is gone.

    with PipelineRun("titles", push="localhost:9091", store_url="sqlite:///data/store.db") as run:
        with run.stage("read"):
            catalogue = read()
        with run.stage("encode"):
            vectors = encode(catalogue)

Whatever happens to the watching (a store that is locked, a Pushgateway that is down), the pipeline goes on:
it costs a log line and a count in `recwatch_dropped_writes_total`.
"""

from recwatch.pipeline.run import PipelineRun

__all__ = ["PipelineRun"]
