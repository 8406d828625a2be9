"""A process that logs requests until it is told to end, or is killed: `python log_requests.py URL COUNT HOW`.

It numbers its requests in `topk`, from 0. HOW says what comes after the last: `exit` ends by itself, `wait`
waits to be killed, `terminate` waits for SIGTERM as a server does, `fork` lets a child go on, `unprivileged`
writes as nobody and exits, `endless` never gets there: COUNT is how many it logs each millisecond.
"""

import itertools
import os
import signal
import sys
import time

from prometheus_client import REGISTRY

from recwatch.recorder import Recorder
from recwatch.requestlog import RequestLog
from recwatch.serving import RecommenderMetrics


def main(url: str, count: int, how: str) -> None:
    log = RequestLog(url)
    recorder = Recorder([log], interval=0.05)
    metrics = RecommenderMetrics("als", recorder=recorder)
    numbers = itertools.count()

    def log_some() -> None:
        for number in itertools.islice(numbers, count):
            with metrics.request(topk=number) as request:
                request.returned((1, 2, 3))

    if how == "unprivileged" and os.getuid() == 0:
        os.seteuid(65534)
    if how == "terminate":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    log_some()
    while how == "endless":
        time.sleep(0.001)
        log_some()
    if how == "fork":
        recorder.flush()
        log.flush()
        child = os.fork()
        log_some()
        if child:
            os.waitpid(child, 0)
    print("logged", flush=True)  # noqa: T201 - the test reads it
    while how in {"wait", "terminate"}:
        signal.pause()
    recorder.close()
    print(total_drops(), flush=True)  # noqa: T201


def total_drops() -> float:
    samples = [sample for family in REGISTRY.collect() for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == "recwatch_dropped_writes_total")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
