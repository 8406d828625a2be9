"""The real process, over HTTP and by signals."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from recwatch.testing import wait_until
from recwatch_exporter.main import main

pytestmark = pytest.mark.usefixtures("root_logger")
TOKEN = "made-up"


class Process:
    """A running `recwatch-exporter` on a free port."""

    def __init__(self, config: Path, folder: Path) -> None:
        token = folder / "token"
        token.write_text(f"{TOKEN}\n", encoding="utf-8")
        self._log = (folder / "exporter.log").open("w+", encoding="utf-8")
        argv = [sys.executable, "-m", "recwatch_exporter", "--config.file", str(config)]
        argv += ["--web.listen-address", "127.0.0.1:0", "--web.token-file", str(token)]
        argv += ["--storage.path", str(folder / "state")]
        self.process = subprocess.Popen(argv, stderr=self._log, stdout=self._log)
        (address,) = wait_until(lambda: re.findall(r"Exporter started .*address=(\S+)", self.log()))
        self.url = f"http://{address}"

    def log(self) -> str:
        return Path(self._log.name).read_text(encoding="utf-8")

    def value(self, name: str, **labels: str) -> float | None:
        text = requests.get(f"{self.url}/metrics", timeout=10).text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and labels.items() <= sample.labels.items():
                    return sample.value
        return None

    def post(self, path: str) -> requests.Response:
        return requests.post(f"{self.url}{path}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._log.close()


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Callable[[Path], Process]]:
    processes = []

    def begin(config: Path) -> Process:
        processes.append(Process(config, tmp_path))
        return processes[-1]

    yield begin
    for process in processes:
        process.close()


@pytest.fixture
def checks(
    promote: Callable[..., Path], write: Callable[..., Path], days: Callable[..., Any]
) -> list[dict[str, Any]]:
    """One check that finds drift, by a version; one that fails."""
    write("log/a.parquet", rating=[0.5] * 30, user_id=list(range(30)), timestamp=days([1] * 30))
    folder = promote("als", reference=reference(days, 1.0))
    shared = {
        "column": "rating",
        "threshold": 0.2,
        "min_rows": 20,
        "cluster": "user_id",
        "timestamp": "timestamp",
    }
    drifting = {
        **shared,
        "name": "rating_scale",
        "type": "psi",
        "models": ["als"],
        "reference": {"artifact": str(folder), "file": "reference.parquet"},
        "current": {"path": "log/*.parquet"},
    }
    return [drifting, {**drifting, "name": "failing", "reference": {"path": "nothing.parquet"}}]


def reference(days: Callable[..., Any], rating: float) -> dict[str, Any]:
    return {"rating": [rating] * 30, "user_id": list(range(100, 130)), "timestamp": days([0] * 30)}


def test_the_life_of_an_exporter(
    spawn: Callable[[Path], Process],
    config_file: Callable[..., Path],
    checks: list[dict[str, Any]],
    promote: Callable[..., Path],
    days: Callable[..., Any],
) -> None:
    config = config_file(*checks)
    exporter = spawn(config)
    wait_until(lambda: exporter.value("drift_detected", check="rating_scale") == 1)
    assert exporter.value("drift_p_value", check="rating_scale") == 0.001
    assert exporter.value("drift_check_model_info", check="rating_scale", model="als") == 1

    wait_until(lambda: exporter.value("drift_check_success", check="failing") == 0)
    assert exporter.value("drift_check_failures_total", check="failing", reason="source") == 1
    assert exporter.value("drift_check_success", check="rating_scale") == 1

    promote("als", reference=reference(days, 0.5))
    wait_until(
        lambda: exporter.value("drift_detected", check="rating_scale") == 0, what="an answer to the promotion"
    )
    assert exporter.value("drift_rows", check="rating_scale", window="current") == 30

    config.write_text("checks: []", encoding="utf-8")
    assert exporter.post("/-/reload").status_code == 400
    assert exporter.value("drift_exporter_config_last_reload_successful") == 0
    assert exporter.value("drift_detected", check="rating_scale") == 0

    config_file(checks[0])
    exporter.process.send_signal(signal.SIGHUP)
    wait_until(lambda: exporter.value("drift_exporter_config_last_reload_successful") == 1)
    assert exporter.value("drift_check_success", check="failing") is None
    assert exporter.post("/-/run/rating_scale").status_code == 202

    exporter.process.send_signal(signal.SIGTERM)
    assert exporter.process.wait(10) == 0
    assert "Exporter stopped" in exporter.log()
    assert "Traceback" not in exporter.log()


@pytest.fixture
def hanging(tmp_path: Path, write: Callable[..., Path]) -> dict[str, Any]:
    """A check that reads a pipe into which nobody writes: it hangs in the kernel."""
    write("ref.parquet", rating=[1.0, 2.0])
    os.mkfifo(tmp_path / "cur.csv")
    files = {"reference": {"path": "ref.parquet"}, "current": {"path": "cur.csv"}}
    return {"name": "hanging", "type": "ks", "column": "rating", "threshold": 0.1, **files}


def workers(exporter: Process) -> list[psutil.Process]:
    return psutil.Process(exporter.process.pid).children(recursive=True)


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def waits_in_the_kernel(process: psutil.Process) -> bool:
    """Whether a thread of it waits for the other end of a pipe."""
    try:
        tasks = list(Path(f"/proc/{process.pid}/task").iterdir())
        return any("wait_for_partner" in (task / "wchan").read_text(encoding="ascii") for task in tasks)
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.all)])
def test_a_signal_ends_a_check_that_hangs(
    number: signal.Signals,
    spawn: Callable[[Path], Process],
    config_file: Callable[..., Path],
    hanging: dict[str, Any],
) -> None:
    exporter = spawn(config_file(hanging))
    wait_until(lambda: any(map(waits_in_the_kernel, workers(exporter))), 60)
    children = workers(exporter)

    exporter.process.send_signal(number)

    assert exporter.process.wait(10) == 0
    assert all(map(gone, children))
    assert "Left" not in exporter.log()
    assert "Check failed" not in exporter.log()


def test_an_exporter_that_is_killed_leaves_nothing_behind(
    spawn: Callable[[Path], Process], config_file: Callable[..., Path], hanging: dict[str, Any]
) -> None:
    exporter = spawn(config_file(hanging))
    wait_until(lambda: any(map(waits_in_the_kernel, workers(exporter))), 60)
    children = workers(exporter)

    exporter.process.kill()

    wait_until(lambda: all(map(gone, children)))


def test_a_check_that_hangs_costs_itself_alone(
    spawn: Callable[[Path], Process], config_file: Callable[..., Path], hanging: dict[str, Any]
) -> None:
    """And a worker that is killed under it, the same."""
    sound = {**hanging, "name": "sound", "current": {"path": "ref.parquet"}, "min_rows": 1}
    exporter = spawn(config_file({**hanging, "timeout": "1s"}, sound, {**hanging, "name": "shot"}))

    wait_until(lambda: exporter.value("drift_check_success", check="sound") == 1, 60)
    wait_until(
        lambda: exporter.value("drift_check_failures_total", check="hanging", reason="timeout") == 1, 60
    )
    wait_until(lambda: any(map(waits_in_the_kernel, workers(exporter))), 60)
    for worker in filter(waits_in_the_kernel, workers(exporter)):
        worker.kill()
    wait_until(lambda: exporter.value("drift_check_failures_total", check="shot", reason="crashed") == 1, 60)
    assert exporter.post("/-/run/sound").status_code == 202
    assert "took longer than its timeout of 1s" in exporter.log()
    assert "it was killed (SIGKILL)" in exporter.log()


def test_results_are_there_at_once_after_a_restart(
    spawn: Callable[[Path], Process], config_file: Callable[..., Path], checks: list[dict[str, Any]]
) -> None:
    """Killed, not stopped: what was said is on disk."""
    config = config_file(checks[0])
    first = spawn(config)
    wait_until(lambda: first.value("drift_detected", check="rating_scale") == 1, 60)
    name = "drift_check_last_success_timestamp_seconds"
    before = first.value(name, check="rating_scale") or 0.0
    first.post("/-/run/rating_scale")
    wait_until(lambda: (first.value(name, check="rating_scale") or 0.0) > before, 60, what="a second run")
    first.close()

    second = spawn(config)

    assert second.value("drift_detected", check="rating_scale") == 1
    after = second.value(name, check="rating_scale") or 0.0
    assert after >= before
    wait_until(lambda: (second.value(name, check="rating_scale") or 0.0) > after, 60, what="a run of its own")


def test_check_config(
    config_file: Callable[..., Path], checks: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    path = config_file(*checks)
    for argv in (
        ["--config.file", str(path), "--check-config"],
        ["--config", str(path), "serve", "--check-config"],
        ["check", "--config", str(path), "--check-config"],
        ["profile", "--config.file", str(path), "--check-config", "--output", "nowhere"],
    ):
        assert main(argv) == 0
        assert capsys.readouterr().out == f"{path}: valid, 2 checks\n"

    config_file({**checks[0], "typ": "ks"})
    assert main(["--config.file", str(path), "--check-config"]) == 1
    assert (
        capsys.readouterr().err == f"{path}: checks.0 (rating_scale).typ: no such key; did you mean type?\n"
    )


def test_a_token_file_that_is_none(
    config_file: Callable[..., Path],
    checks: list[dict[str, Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    token = tmp_path / "token"
    argv = ["--config.file", str(config_file(*checks)), "--web.token-file", str(token), "--storage.path="]
    assert main(argv) == 1
    assert "the token cannot be read" in capsys.readouterr().err

    token.write_text("\n", encoding="utf-8")
    assert main(argv) == 1
    assert capsys.readouterr().err == f"{token}: holds no token: write one line of random letters\n"

    token.write_text("first\nsecond\n", encoding="utf-8")
    assert main(argv) == 1
    assert "holds more than a token: write one line" in capsys.readouterr().err


def test_a_port_that_is_taken(
    spawn: Callable[[Path], Process],
    config_file: Callable[..., Path],
    checks: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    address = spawn(config_file(*checks)).url.removeprefix("http://")

    argv = ["serve", "--config.file", str(config_file(*checks)), "--storage.path="]
    assert main([*argv, "--web.listen-address", address]) == 1
    assert capsys.readouterr().err == (
        f"cannot listen on {address}: Address already in use: choose another --web.listen-address\n"
    )


def test_an_address_that_is_none(config_file: Callable[..., Path], checks: list[dict[str, Any]]) -> None:
    with pytest.raises(SystemExit):
        main(["--config.file", str(config_file(*checks)), "--web.listen-address", "nowhere"])


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "--config.file is required: name the configuration, such as drift.yml"),
        (["--config", "a.yml", "--once"], "unrecognized arguments: --once"),
        (["--config", "a.yml", "nothing"], "invalid choice: 'nothing'"),
        (["--config", "a.yml", "--workers", "0"], "'0' is not a number of 1 or more"),
        (["profile", "--config", "a.yml"], "the following arguments are required: --output"),
    ],
)
def test_what_cannot_be_told(argv: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)

    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_importing_does_nothing() -> None:
    code = "import recwatch_exporter.main, threading; assert threading.active_count() == 1"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RECWATCH_")}

    done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)

    assert done.stdout == b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_version_that_cannot_be_read_holds_up_nothing(
    number: signal.Signals,
    spawn: Callable[[Path], Process],
    config_file: Callable[..., Path],
    checks: list[dict[str, Any]],
    tmp_path: Path,
) -> None:
    """Neither the start, nor a reload, nor the end."""
    pipe = tmp_path / "artifacts" / "als" / "current"
    pipe.unlink()
    os.mkfifo(pipe)
    exporter = spawn(config_file(*checks))

    assert exporter.post("/-/reload").status_code == 200
    assert exporter.value("drift_exporter_config_last_reload_successful") == 1
    exporter.process.send_signal(number)

    assert exporter.process.wait(20) == 0
    assert "Exporter stopped" in exporter.log()


def test_a_reload_that_hangs_does_not_hold_up_the_end(
    spawn: Callable[[Path], Process], config_file: Callable[..., Path], checks: list[dict[str, Any]]
) -> None:
    config = config_file(checks[1])
    exporter = spawn(config)
    config.unlink()
    os.mkfifo(config)
    with pytest.raises(requests.Timeout):
        requests.post(
            f"{exporter.url}/-/reload", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=(10, 0.5)
        )

    busy = exporter.post("/-/reload")
    assert (busy.status_code, busy.text.partition(":")[0]) == (503, "another reload has not ended")
    exporter.process.send_signal(signal.SIGTERM)

    assert exporter.process.wait(20) == 0
    assert "Exporter stopped" in exporter.log()
    assert "Traceback" not in exporter.log()


@pytest.mark.parametrize("text", ["checks: &a [*a]", "checks: " + "[" * 3000])
def test_whatever_a_configuration_holds_the_old_one_stays(
    text: str,
    spawn: Callable[[Path], Process],
    config_file: Callable[..., Path],
    checks: list[dict[str, Any]],
) -> None:
    config = config_file(checks[1])
    exporter = spawn(config)
    config.write_text(text, encoding="utf-8")

    answer = exporter.post("/-/reload")

    assert answer.status_code == 400
    assert answer.text == f"{config}: is nested too deeply, or an alias (*) holds itself: flatten it\n"
    assert exporter.value("drift_exporter_config_last_reload_successful") == 0
    assert exporter.value("drift_check_interval_seconds", check="failing") == 3600
    exporter.process.send_signal(signal.SIGTERM)
    assert exporter.process.wait(20) == 0
    assert "nanobind" not in exporter.log()
