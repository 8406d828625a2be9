"""What the stack consists of: each part's command line and where it says that it is ready."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from recwatch_local.layout import Layout
from recwatch_local.ports import HOST, Ports
from recwatch_local.tools import Tools

RETENTION = "45d"


@dataclass(frozen=True)
class Program:
    """A part of the stack.

    Attributes:
        name: also its log file's name.
        argv: its command line.
        ready: the path, on its own port, that answers 200 once it can be used.
        needs_model: whether it starts only once there is a version in service.
        folder: where it is started, from the run's folder.
        stop_after: seconds it is given to end before it is killed.
    """

    name: str
    argv: tuple[str, ...]
    ready: str
    needs_model: bool = False
    folder: str = "."
    stop_after: int = 10


def programs(layout: Layout, ports: Ports, tools: Tools) -> list[Program]:
    """The parts of the stack in the order in which they start."""
    python = sys.executable
    data = layout.run / "data"
    return [
        Program(
            "prometheus",
            (
                str(tools.prometheus),
                f"--config.file={layout.prometheus_config}",
                f"--storage.tsdb.path={data / 'prometheus'}",
                f"--storage.tsdb.retention.time={RETENTION}",
                f"--web.listen-address={ports.address('prometheus')}",
                # What links in messages begin with.
                f"--web.external-url={ports.url('prometheus')}",
            ),
            "/-/ready",
        ),
        Program(
            "alertmanager",
            (
                str(tools.alertmanager),
                f"--config.file={layout.alertmanager_config}",
                f"--storage.path={data / 'alertmanager'}",
                f"--web.listen-address={ports.address('alertmanager')}",
                f"--web.external-url={ports.url('alertmanager')}",
                "--cluster.listen-address=",
            ),
            "/-/ready",
            # `url_file` is read from there.
            folder="alertmanager",
        ),
        Program(
            "pushgateway",
            (
                str(tools.pushgateway),
                f"--web.listen-address={ports.address('pushgateway')}",
                f"--persistence.file={data / 'pushgateway'}",
            ),
            "/-/ready",
        ),
        Program(
            "inbox",
            (
                *(python, "-m", "recwatch.testing.inbox", "--host", HOST, "--web-port", str(ports.inbox)),
                *("--smtp-port", str(ports.smtp), "--slack-port", str(ports.slack)),
            ),
            "/",
        ),
        Program(
            "recommender",
            (python, "-m", "recommender.serve", "--host", HOST, "--port", str(ports.recommender)),
            "/readyz",
            needs_model=True,
        ),
        Program(
            "exporter",
            (
                *(python, "-m", "recwatch_exporter", "--config.file", str(layout.drift_config)),
                *("--web.listen-address", ports.address("exporter")),
                *("--web.token-file", str(layout.secrets / "exporter_token")),
                *("--storage.path", str(data / "exporter")),
                *("--storage.path", str(data / "exporter")),
            ),
            "/-/ready",
            needs_model=True,
        ),
        Program(
            "bridge",
            (
                *(python, "-m", "recwatch_bridge", "--config.file", str(layout.bridge_config)),
                *("--web.listen-address", ports.address("bridge")),
            ),
            "/-/ready",
        ),
    ]


def environment(layout: Layout, ports: Ports, inherited: Mapping[str, str]) -> dict[str, str]:
    """What every part and every trainer finds in its environment; the first three give way to what is set."""
    return {
        "RECWATCH_SMTP_HOST": HOST,
        "RECWATCH_SMTP_PORT": str(ports.smtp),
        "RECWATCH_RERANK_TEST": "on",
        **inherited,
        "RECWATCH_HOME": str(layout.home),
        "RECWATCH_SECRETS": str(layout.secrets),
        "RECWATCH_ADMIN_TOKEN_FILE": str(layout.secrets / "admin_token"),
        "RECWATCH_PUSHGATEWAY": ports.address("pushgateway"),
        "RECWATCH_RECOMMENDER_URL": ports.url("recommender"),
        "RECWATCH_PROMETHEUS_URL": ports.url("prometheus"),
        "RECWATCH_BRIDGE_URL": ports.url("bridge"),
        "RECWATCH_PYTHON": sys.executable,
    }
