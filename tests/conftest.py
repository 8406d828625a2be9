"""What every test may need: components that may be missing on a person's machine, but not in CI."""

import logging
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import hypothesis
import pytest
import requests
import yaml
from playwright.sync_api import Browser, sync_playwright
from redis import Redis

from recwatch.testing import free_port, wait_until
from recwatch_local.errors import ToolsMissingError
from recwatch_local.paths import TOOLS_FOLDER
from recwatch_local.tools import Tools, find_tools
from tests.postgresql import PostgreSql

REDIS_PASSWORD = "a-secret-word"

# A slow machine fails no property; fixtures that properties share between examples are meant.
hypothesis.settings.register_profile(
    "recwatch",
    deadline=None,
    suppress_health_check=[
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.function_scoped_fixture,
    ],
)
hypothesis.settings.load_profile("recwatch")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escape what a test wrote: pytest-xdist passes no lone surrogates on."""
    report = yield
    report.sections = [
        (title, text.encode("utf-8", "backslashreplace").decode()) for title, text in report.sections
    ]
    return report


class Require(Protocol):
    """Says that a test needs a component; see `require_component`."""

    def __call__(self, name: str, *, is_there: bool, remedy: str) -> None:
        """Skip the test, or fail it, where the component is missing."""


@pytest.fixture(scope="session")
def require_component() -> Require:
    """Skip a test whose component is missing; fail it where RECWATCH_REQUIRE_ALL=1, as in CI."""

    def require(name: str, *, is_there: bool, remedy: str) -> None:
        if is_there:
            return
        reason = f"{name} is missing: {remedy}"
        if os.environ.get("RECWATCH_REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)

    return require


@pytest.fixture(scope="session")
def tools(require_component: Require) -> Tools:
    """Prometheus and its companions."""
    try:
        return find_tools()
    except ToolsMissingError as error:
        require_component("Prometheus", is_there=False, remedy=str(error))
        raise


@dataclass
class Program:
    """A real Prometheus or Alertmanager."""

    process: subprocess.Popen[bytes]
    url: str

    def answers(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(f"{self.process.args!r} ended: see the log in its folder")
        try:
            return requests.get(f"{self.url}/-/ready", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def run_prometheus(tools: Tools) -> Callable[..., AbstractContextManager[Program]]:
    """Runs a Prometheus that looks five times a second, at itself too."""

    @contextmanager
    def run(
        folder: Path,
        rules: list[dict[str, Any]],
        targets: dict[str, str] | None = None,
        *,
        scrapes: Sequence[dict[str, Any]] = (),
        **more: Any,
    ) -> Iterator[Program]:
        address = f"127.0.0.1:{free_port()}"
        settings = {
            "global": {
                **dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), "200ms"),
                **more,
            },
            "rule_files": ["rules.yml"],
            "scrape_configs": [
                *(
                    {"job_name": job, "static_configs": [{"targets": [target]}]}
                    for job, target in {"prometheus": address, **(targets or {})}.items()
                ),
                *scrapes,
            ],
        }
        (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "test", "rules": rules}]}))
        (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
        argv = [str(tools.prometheus), "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
        with _running("prometheus", argv, folder, address) as program:
            yield program

    return run


@pytest.fixture(scope="session")
def run_alertmanager(tools: Tools) -> Callable[..., AbstractContextManager[Program]]:
    """Runs an Alertmanager, alone unless flags say otherwise."""

    @contextmanager
    def run(
        folder: Path,
        settings: dict[str, Any],
        *,
        name: str = "alertmanager",
        cluster: Sequence[str] = ("--cluster.listen-address=",),
    ) -> Iterator[Program]:
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        if (TOOLS_FOLDER / "usr").exists() and not (folder / "usr").exists():
            # Debian's Alertmanager looks there for its templates.
            (folder / "usr").symlink_to(TOOLS_FOLDER / "usr")
        argv = [str(tools.alertmanager), "--config.file=alertmanager.yml", f"--storage.path={name}-data"]
        with _running(name, [*argv, *cluster], folder, f"127.0.0.1:{free_port()}") as program:
            yield program

    return run


@contextmanager
def _running(name: str, argv: list[str], folder: Path, address: str) -> Iterator[Program]:
    with (folder / f"{name}.log").open("ab") as output:
        process = subprocess.Popen(
            [*argv, f"--web.listen-address={address}"], cwd=folder, stdout=output, stderr=output
        )
    program = Program(process, f"http://{address}")
    try:
        wait_until(program.answers, timeout=60, what=name)
        yield program
    finally:
        program.kill()


@pytest.fixture(scope="session")
def postgresql(require_component: Require) -> Iterator[PostgreSql]:
    """A real PostgreSQL server. Debian keeps its programs off PATH."""
    found = shutil.which("initdb")
    programs = Path(found).parent if found else max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
    require_component("PostgreSQL", is_there=programs is not None, remedy="apt-get install postgresql")
    assert programs is not None
    with tempfile.TemporaryDirectory(prefix="recwatch-pg-") as name:
        folder = Path(name)
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        server = PostgreSql(programs, folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture
def postgresql_url(postgresql: PostgreSql) -> str:
    """The URL of a new, empty database on a real server."""
    return postgresql.make_database()


class RedisServer:
    """A Redis that can be stopped for a while; it keeps what it holds."""

    def __init__(self, program: str, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{REDIS_PASSWORD}@127.0.0.1:{self.port}/1"

    @property
    def client(self) -> Redis:
        return Redis.from_url(self.url)

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--requirepass", REDIS_PASSWORD]
        command = [self._program, *options, "--save", "", "--appendonly", "yes"]
        self._process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL)
        wait_until(self._listens, timeout=30)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def redis(require_component: Require, tmp_path: Path) -> Iterator[RedisServer]:
    program = shutil.which("redis-server")
    require_component("Redis", is_there=program is not None, remedy="apt-get install redis-server")
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisServer(str(program), folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def chromium(require_component: Require) -> Iterator[Browser]:
    """A browser. No longer than a module: Playwright's event loop runs as long, and others cannot then."""
    path = shutil.which("chromium")
    require_component("Chromium", is_there=path is not None, remedy="install the package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also where tests run in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def logs_as_before() -> Iterator[None]:
    """For tests of a `main`, which sets up the root logger of the process: here that is the tests' own."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
    root.setLevel(level)
