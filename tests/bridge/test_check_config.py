"""`--check-config` finds what cannot run, and changes nothing."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recwatch_bridge.main import main
from recwatch_bridge.storage.store import Store

Check = Callable[..., tuple[int, list[str]]]

pytestmark = pytest.mark.usefixtures("logs_as_before")


@pytest.fixture
def check(workplace: Any, capsys: pytest.CaptureFixture[str]) -> Check:
    """Runs the command; gives the exit code and what was said of the file, line by line."""

    def run(*more: str) -> tuple[int, list[str]]:
        config = str(workplace.config)
        before = _files(workplace.folder)
        code = main(["--config.file", config, "--check-config", *more])
        assert _files(workplace.folder) == before
        said = capsys.readouterr()
        assert said.out == ("" if code else f"{config}: good\n")
        return code, [line.removeprefix(f"{config}: ") for line in said.err.splitlines()]

    return run


@pytest.fixture
def als(workplace: Any) -> Any:
    return workplace.settings["models"]["als"]


def _files(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*") if path.name != "bridge.yml"}


def test_all_is_well_and_nothing_is_made(check: Check) -> None:
    assert check() == (0, [])


@pytest.mark.parametrize(
    ("store", "reason"),
    [
        ("sqlite:////proc/x/bridge.db", "/proc cannot be written to (No such file or directory): let the"),
        ("sqlite:///token/bridge.db", "{folder}/token is not a folder: let the bridge write there"),
        ("sqlite:///folder", "{folder}/folder is a folder: name a file in it"),
        ("sqlite:///token", "{folder}/token is no SQLite database: name another file"),
        ("postgresql+psycopg://recwatch@127.0.0.1:1/bridge", "postgresql+psycopg://recwatch@127.0.0.1:1/"),
    ],
)
def test_database_that_cannot_be_used(check: Check, workplace: Any, store: str, reason: str) -> None:
    (workplace.folder / "folder").mkdir()
    workplace.settings |= {"store": store, "runs_dir": "runs"}
    code, [line] = check()
    assert (code, line[: len("store: ")]) == (1, "store: ")
    assert line.removeprefix("store: ").startswith(reason.format(folder=workplace.folder))


def test_database_of_a_running_bridge_is_all_right(check: Check, workplace: Any) -> None:
    store = Store(f"sqlite:///{workplace.folder}/data/bridge.db")
    store.claim()
    try:
        assert check() == (0, [])
    finally:
        store.close()


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"cwd": "nowhere"}, "cwd: {folder}/nowhere is not a folder: make it, or name another"),
        (
            {"argv": ["./train.sh"]},
            "argv: ./train.sh is not there or cannot be executed: install it, or name it by its path",
        ),
        ({"argv": ["./train.sh"], "cwd": "token"}, "cwd: {folder}/token is not a folder: make it, or name"),
    ],
)
def test_trainer_that_cannot_start(
    check: Check, workplace: Any, als: dict[str, Any], keys: dict[str, Any], line: str
) -> None:
    als["launcher"] |= keys
    code, [said] = check()
    assert code == 1
    assert said.startswith(f"models.als.launcher.{line.format(folder=workplace.folder)}")


def test_folders_that_cannot_be_used(check: Check, workplace: Any, als: dict[str, Any]) -> None:
    workplace.settings["runs_dir"] = "/proc/runs"
    als["artifacts"] = "token"
    code, lines = check()
    assert code == 1
    remedy = "let the bridge write there, or name another folder"
    assert lines == [
        f"runs_dir: /proc cannot be written to (No such file or directory): {remedy}",
        f"models.als.artifacts: {workplace.folder}/token is not a folder: {remedy}",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_folder_that_may_not_be_written(check: Check, workplace: Any) -> None:
    closed = workplace.folder / "closed"
    closed.mkdir(mode=0o500)
    workplace.settings["store"] = "sqlite:///closed/bridge.db"
    code, lines = check()
    assert code == 1
    assert f"store: {closed} cannot be written to (Permission denied)" in lines[0]


def test_version_in_service_that_cannot_be_read(check: Check, workplace: Any) -> None:
    (workplace.registry.folder / "current").mkdir(parents=True)
    code, [line] = check()
    assert (code, line[: len("models.als.artifacts: ")]) == (1, "models.als.artifacts: ")


@pytest.mark.parametrize("address", ["999.1.1.1:9095", "192.0.2.1:9095", "nowhere.invalid:9095"])
def test_address_of_no_use(check: Check, workplace: Any, address: str) -> None:
    workplace.settings["listen"] = address
    code, [line, _] = check()
    assert code == 1
    assert line.startswith(f"listen: {address}: cannot listen there (")


def test_address_of_a_running_bridge_is_all_right(check: Check) -> None:
    with socket.create_server(("127.0.0.1", 0)) as bridge:
        assert check("--web.listen-address", f"127.0.0.1:{bridge.getsockname()[1]}") == (0, [])


def test_nobody_may_tell_of_alerts(check: Check, workplace: Any) -> None:
    workplace.settings["tokens"][0]["scopes"] = ["manage"]
    assert check() == (
        1,
        ["tokens: none has the scope alerts, so Alertmanager can tell nothing: add one"],
    )


@pytest.mark.parametrize(
    ("address", "cautioned"),
    [
        ("http://hooks.slack.com/services/x", True),
        ("http://[2001:db8::1]/x", True),
        ("http://inbox:8026", False),
        ("http://[::1]:8026", False),
        ("https://hooks.slack.com/services/x", False),
    ],
)
def test_webhook_in_clear_is_remarked_upon(
    check: Check, workplace: Any, address: str, *, cautioned: bool
) -> None:
    (workplace.folder / "slack_url").write_text(address, encoding="utf-8")
    code, lines = check()
    assert (code, len(lines)) == (0, int(cautioned))
    assert all("begins with http://" in line and "services" not in line for line in lines)


@pytest.mark.parametrize(("length", "cautioned"), [(15, True), (16, False)])
def test_token_that_can_be_guessed_is_remarked_upon(
    check: Check, workplace: Any, length: int, *, cautioned: bool
) -> None:
    (workplace.folder / "token").write_text("x" * length, encoding="utf-8")
    code, lines = check()
    assert (code, len(lines)) == (0, int(cautioned))
    assert all("has 15 characters and can be guessed" in line for line in lines)


@pytest.mark.parametrize(("ratio", "cautioned"), [(95, True), (1.05, False)])
def test_ratio_in_percent_is_remarked_upon(
    check: Check, als: dict[str, Any], ratio: float, *, cautioned: bool
) -> None:
    als["gate"] = {"ndcg@10": {"ratio": ratio}}
    code, lines = check()
    assert (code, len(lines)) == (0, int(cautioned))
    assert all("models.als.gate.ndcg@10.ratio: 95" in line and "write 0.95" in line for line in lines)


@pytest.mark.parametrize(
    ("keys", "remark"),
    [
        (
            {"listen": "0.0.0.0:9095"},
            "listen: tokens and logins travel in clear to 0.0.0.0:9095: put a proxy",
        ),
        ({"listen": "0.0.0.0:9095", "external_url": "https://bridge.example.com"}, None),
        ({"watchdog": {"timeout": "10s"}}, "watchdog.timeout: 10s is short, as Alertmanager tells it each"),
        ({"watchdog": {"timeout": "3m"}}, None),
        (
            {"tokens": [{"file": "token", "scopes": [scope]} for scope in ("alerts", "manage")]},
            "tokens.1.file: is the token of tokens.0 too, and has the scopes of both: make two",
        ),
        ({"tokens": [{"file": "token", "scopes": ["alerts"]}] * 2}, None),
    ],
)
def test_what_is_not_wise_is_remarked_upon(
    check: Check, workplace: Any, keys: dict[str, Any], remark: str | None
) -> None:
    workplace.settings |= keys
    code, lines = check()
    assert (code, len(lines)) == (0, int(remark is not None))
    assert all(line.startswith(str(remark)) for line in lines)


def test_variable_of_a_query_that_is_none_is_remarked_upon(
    check: Check, workplace: Any, als: dict[str, Any]
) -> None:
    workplace.settings["prometheus_url"] = "http://127.0.0.1:9090"
    workplace.settings["external_url"] = "http://127.0.0.1:9095"
    als |= {"reload_url": "http://127.0.0.1:8000/reload"}
    als["watch"] = {"query": 'a{m="$model", p=~".*x$"}[$wndow] / b[$window]'}
    remark = "models.als.watch.query: $wndow is not replaced: there are $model and $window"
    assert check() == (0, [remark])


def test_every_secret_that_is_missing_is_named(check: Check, workplace: Any, als: dict[str, Any]) -> None:
    (workplace.folder / "token").unlink()
    (workplace.folder / "slack_url").write_text("two words", encoding="utf-8")
    als |= {"reload_url": "http://127.0.0.1:8000/reload", "reload_token_file": "nowhere"}
    remedy = "cannot be read (No such file or directory): create it with the secret in it"
    assert check() == (
        1,
        [
            f"tokens.0.file: {workplace.folder}/token {remedy}",
            f"sinks.slack.webhook_url_file: {workplace.folder}/slack_url must hold one word, the secret",
            f"models.als.reload_token_file: {workplace.folder}/nowhere {remedy}",
        ],
    )


def test_bridge_starts_without_what_one_model_lacks(
    *, start: Any, workplace: Any, als: dict[str, Any], mail: Any, alert: Any, group: Any
) -> None:
    als["launcher"]["argv"] = ["./train.sh"]
    bridge = start()
    bridge.post("/notify/email", group(alert()))
    mail.wait_for(lambda _: True)
    log = (workplace.folder / "bridge.log").read_text(encoding="utf-8")
    assert "models.als.launcher.argv: ./train.sh is not there or cannot be executed" in log
