import sys
from pathlib import Path
from typing import Any

import pytest

from recwatch.config import parse_config
from recwatch.errors import ConfigError
from recwatch_bridge.config import Model
from recwatch_bridge.retraining.launchers.base import Launcher
from recwatch_bridge.retraining.launchers.build import build_launcher

KEY = "models.als.launcher"


def build(folder: Path, **launcher: Any) -> Launcher:
    model = parse_config({"launcher": launcher, "artifacts": "artifacts"}, Model, base=folder)
    return build_launcher(model.launcher, {}, key=KEY)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "token": "word",
        "redis": "redis://:hush@redis:6379/0",
        "web": "http://hush@redis",
        "odd": "wörd",
        "short": "t",
        "short-redis": "redis://:abc@redis:6379/0",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


HTTP = {"type": "http", "url": "http://ci.example"}
AIRFLOW = {**HTTP, "dag": "retrain", "result_task": "result", "user": "u", "password_file": "token"}


@pytest.mark.parametrize(
    ("launcher", "poll"),
    [
        ({"type": "command", "argv": ["./train.sh"]}, 0.2),
        ({"type": "celery", "broker_file": "redis", "task": "shop.retrain"}, 1.0),
        ({"type": "celery", "broker_file": "redis", "results_file": "redis", "task": "shop.retrain"}, 1.0),
        ({**HTTP, "api": "plain"}, 5.0),
        ({**HTTP, "api": "plain", "token_file": "token", "poll": "1m"}, 60.0),
        ({**AIRFLOW, "api": "airflow2"}, 5.0),
        ({**AIRFLOW, "api": "airflow3"}, 5.0),
        (
            {
                "type": "http",
                "api": "github",
                "repository": "a/b",
                "workflow": "w.yml",
                "token_file": "token",
            },
            5.0,
        ),
    ],
)
def test_every_kind(folder: Path, launcher: dict[str, Any], poll: float) -> None:
    assert build(folder, **launcher).poll == poll


@pytest.mark.parametrize(
    ("launcher", "said"),
    [
        ({**HTTP, "api": "plain", "token_file": "none"}, r"\.token_file: .*none cannot be read .*create it"),
        ({**HTTP, "api": "plain", "token_file": "odd"}, r"\.token_file: .*odd must hold a token of ASCII"),
        (
            {**HTTP, "api": "plain", "token_file": "short"},
            r"\.token_file: .*short holds a secret of 1 characters, too short .*: use one of 4 or more$",
        ),
        ({**AIRFLOW, "api": "airflow2", "password_file": "short"}, r"\.password_file: .* of 1 characters"),
        (
            {"type": "celery", "broker_file": "short-redis", "task": "t"},
            r"\.broker_file: .*short-redis holds a secret of 3 characters",
        ),
        (
            {"type": "celery", "broker_file": "web", "task": "t"},
            r"\.broker_file: .*web must hold the address of a Redis, such as redis://redis:6379/0$",
        ),
        (
            {"type": "celery", "broker_file": "redis", "results_file": "none", "task": "t"},
            r"\.results_file: .*none cannot be read",
        ),
    ],
)
def test_secrets_that_cannot_be_used(folder: Path, launcher: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=rf"^models\.als\.launcher{said}") as caught:
        build(folder, **launcher)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("shown", ["h%40sh%2Fword", "h@sh/word"])
def test_a_password_of_redis_is_hidden_however_it_is_written(folder: Path, shown: str) -> None:
    (folder / "redis").write_text("redis://:h%40sh%2Fword@redis:6379/0", encoding="utf-8")
    launcher: Any = build(folder, type="celery", broker_file="redis", task="shop.retrain")
    assert launcher._log.plain(f"refused: {shown}") == "refused: ***"


def test_celery_that_is_not_installed_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = "recwatch_bridge.retraining.launchers.celery"
    for name in [name for name in sys.modules if name.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, name)
    # As Python says it of a package that is not there.
    monkeypatch.setitem(sys.modules, "celery", None)
    with pytest.raises(ConfigError) as caught:
        build(folder, type="celery", broker_file="redis", task="shop.retrain")
    assert str(caught.value) == f"{KEY}: type celery needs Celery: pip install 'recwatch[celery]'"
