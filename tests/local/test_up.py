import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from recwatch.testing import wait_until
from recwatch_local.lock import only_one
from recwatch_local.ports import Ports, free_ports, variable
from recwatch_local.supervisor import find_leftovers


@pytest.fixture
def ports() -> Ports:
    return free_ports()


@pytest.fixture
def environment(tmp_path: Path, ports: Ports) -> dict[str, str]:
    numbers = {variable(part): str(getattr(ports, part)) for part in Ports.parts()}
    return {**os.environ, **numbers, "RECWATCH_HOME": str(tmp_path)}


@pytest.fixture
def up(environment: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with (tmp_path / "output").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "recwatch_local", "up"],
            env=environment,
            stdout=output,
            stderr=output,
            text=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(90)


def _all_up(ports: Ports) -> bool:
    answer = requests.get(ports.url("prometheus") + "/api/v1/targets", timeout=5).json()
    return all(target["health"] == "up" for target in answer["data"]["activeTargets"])


LOADED = {
    "prometheus": "prometheus_config_last_reload",
    "alertmanager": "alertmanager_config_last_reload",
    "exporter": "drift_exporter_config_last_reload",
}


def _loaded_at(ports: Ports, part: str) -> float:
    """When a part has read its configuration last, and well."""
    text = requests.get(ports.url(part) + "/metrics", timeout=10).text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(values[f"{LOADED[part]}_successful"]) == 1
    return float(values[f"{LOADED[part]}_success_timestamp_seconds"])


@pytest.mark.all
@pytest.mark.usefixtures("tools")
def test_the_stack_comes_up_with_the_real_files_and_down_ends_it(
    up: subprocess.Popen[str], environment: dict[str, str], ports: Ports, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    wait_until(lambda: "all of it is up" in output.read_text(encoding="utf-8"), timeout=120)
    assert "/secrets/bridge_admin_token" in output.read_text(encoding="utf-8")
    # The real files scrape every 15 s.
    wait_until(lambda: _all_up(ports), timeout=60)
    served = requests.get(ports.url("recommender") + "/readyz", timeout=5).json()
    assert served["model"] == "als"
    before = {part: _loaded_at(ports, part) for part in LOADED}
    command = [sys.executable, "-m", "recwatch_local", "reload"]
    reload = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    said = [f"{part} reads its configuration again" for part in LOADED]
    assert (reload.returncode, reload.stdout.splitlines()) == (0, said), reload.stderr
    wait_until(lambda: all(_loaded_at(ports, part) > at for part, at in before.items()), timeout=60)
    down = subprocess.run([sys.executable, "-m", "recwatch_local", "down"], env=environment, check=False)
    assert down.returncode == 0
    assert up.wait(10) == 0
    assert find_leftovers(tmp_path) == []


def test_a_taken_port_is_said_before_anything_starts(
    environment: dict[str, str], ports: Ports, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", ports.bridge)):
        answer = subprocess.run(
            [sys.executable, "-m", "recwatch_local", "up"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert answer.returncode == 1
    assert f"127.0.0.1:{ports.bridge} (bridge); to move it: RECWATCH_BRIDGE_PORT=PORT" in answer.stderr
    assert find_leftovers(tmp_path) == []


@pytest.mark.all
@pytest.mark.usefixtures("tools")
def test_down_ends_what_a_killed_stack_left_behind(
    up: subprocess.Popen[str], environment: dict[str, str], tmp_path: Path
) -> None:
    wait_until(lambda: len(find_leftovers(tmp_path)) > 4, timeout=60)
    up.kill()
    up.wait()
    assert find_leftovers(tmp_path) != []
    answer = subprocess.run([sys.executable, "-m", "recwatch_local", "down"], env=environment, check=False)
    assert answer.returncode == 0
    assert find_leftovers(tmp_path) == []


def test_a_second_stack_in_the_same_folder_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    pid_file = tmp_path / ".run" / "up" / "up.pid"
    with only_one(pid_file, "held"):
        answer = subprocess.run(
            [sys.executable, "-m", "recwatch_local", "up"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert pid_file.read_text(encoding="utf-8") == str(os.getpid())
    assert (answer.returncode, answer.stderr) == (1, "error: `make up` runs already; `make down` stops it\n")
    assert pid_file.read_text(encoding="utf-8") == ""


def test_down_leaves_a_process_alone_that_only_has_the_number(
    environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / ".run" / "up"
    folder.mkdir(parents=True)
    (folder / "up.pid").write_text(str(os.getpid()), encoding="utf-8")
    answer = subprocess.run(
        [sys.executable, "-m", "recwatch_local", "down"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stdout == "no stack of `make up` is running\n"


def test_down_without_a_stack_says_so(environment: dict[str, str]) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "recwatch_local", "down"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout) == (0, "no stack of `make up` is running\n")
