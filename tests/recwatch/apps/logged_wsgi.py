"""A WSGI service that logs its requests to the database in RECWATCH_TEST_STORE, once an hour."""

import os
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from recwatch.recorder import Recorder
from recwatch.requestlog import RequestLog
from recwatch.serving import RecommenderMetrics

recorder = Recorder([RequestLog(os.environ["RECWATCH_TEST_STORE"])], interval=3600.0)
metrics = RecommenderMetrics("als", recorder=recorder)


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path.startswith("/recommend/"):
        with metrics.request(path.rpartition("/")[2]) as watched:
            watched.returned([1, 2, 3])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b""]
