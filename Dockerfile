# One image for every Python part of the stack; docker-compose.yml says which part a container is.
FROM python:3.11-slim

# implicit needs GCC's OpenMP library.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libgomp1 \
 && rm -rf /var/lib/apt/lists/*

# Readable by the servers of other images through their group (see `secrets` in docker-compose.yml).
RUN groupadd --gid 10001 recwatch \
 && useradd --uid 10001 --gid recwatch --no-create-home --home-dir /var/lib/recwatch recwatch \
 && install -d -o recwatch -g recwatch -m 0750 /var/lib/recwatch /var/lib/recwatch-exporter /run/recwatch-secrets /run/webhook-token /run/grafana-secret

WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY instrumentation instrumentation
COPY exporter exporter
COPY alertmanager alertmanager
COPY grafana grafana
RUN python -m pip install --no-cache-dir --constraint constraints.txt '.[store,scores,logs,cli,exporter,bridge,testing,recommender]'
COPY examples examples
COPY local local

ENV PYTHONPATH=/app/examples:/app/local PYTHONUNBUFFERED=1 OPENBLAS_NUM_THREADS=1 \
    RECWATCH_HOME=/var/lib/recwatch RECWATCH_SECRETS=/run/recwatch-secrets RECWATCH_PYTHON=python
USER recwatch
