"""`python -m recwatch_exporter.process DESCRIPTOR PARENT`: a worker, started by `workers.WorkerPool`."""

import sys

from recwatch_exporter.process.worker import main

if __name__ == "__main__":
    main(sys.argv[1:])
