from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from recwatch.config import load_config
from recwatch.errors import ConfigError
from recwatch_bridge.config import BridgeConfig, split_listen

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = Path(__file__).with_name("configs")

MISTAKES = {
    "address": "sinks.email.to.0: is not an email address: write it as name@example.com (found 'team')",
    "cooldown": "models.als.cooldown: '1 hour' is not a duration: write a number and a unit, such as 15s, "
    "5m, 1h30m or 60d (found '1 hour')",
    "gate-rule": "models.als.gate.ndcg@10: needs exactly one of ratio, at_most and at_least",
    "launcher": "models.als.launcher.type: Input should be 'command' (found 'shell')",
    "listen": "listen: is not an address to listen on: write it as 127.0.0.1:9095 (found 'localhost')",
    "model-name": "models.../als.[key]: String should match pattern '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$' "
    "(found '../als')",
    "no-sinks": "sinks: names no sink: add email, slack or both",
    "no-tokens": "tokens: must not be empty: add one at least",
    "password-in-clear": "sinks.email: tls: none would send the password in clear: use starttls or tls",
    "reload-token": "models.als: reload_token_file without reload_url: add reload_url or remove it",
    "reload-url": "models.als.reload_url: is not an address: write it as http://host:port/path "
    "(found 'localhost')",
    "retry": "sinks.slack.retry: initial must be above 0 and at most max",
    "retention": "retention: must be at least 1d and no shorter than any model's cooldown (found '2d')",
    "scope": "tokens.0.scopes.1: Input should be 'alerts' or 'manage' (found 'admin')",
    "shell-line": "models.als.launcher.argv: must be a list: write [...], or a line with - for each "
    "(found './train.sh --fast')",
    "store-memory": "store: must name a file, or an alert would not survive a restart: sqlite:///bridge.db "
    "(found 'sqlite://')",
    "store-postgresql": "store: must be an SQLite file for now: write it as sqlite:///bridge.db "
    "(found 'postgresql://db/bridge')",
    "store-url": "store: is not a database address: write it as sqlite:///bridge.db (found 'bridge.db')",
    "timeout": "models.als: timeout must be above 0",
    "tls": "sinks.email.tls: Input should be 'none', 'starttls' or 'tls' (found 'ssl')",
    "unknown-key": "listens: no such key; did you mean listen?",
    "user-alone": "sinks.email: user and password_file belong together: give both or neither",
}


def test_every_mistake_has_a_fixture() -> None:
    assert {path.stem.removeprefix("invalid-") for path in CONFIGS.glob("invalid-*.yml")} == set(MISTAKES)


@pytest.mark.parametrize("mistake", sorted(MISTAKES))
def test_mistake_is_named(mistake: str) -> None:
    path = CONFIGS / f"invalid-{mistake}.yml"
    with pytest.raises(ConfigError) as caught:
        load_config(path, BridgeConfig, {})
    [line] = str(caught.value).splitlines()
    said = line.removeprefix(f"{path}: ")
    assert said == MISTAKES[mistake]


def test_example_is_valid_and_paths_are_relative_to_the_file() -> None:
    settings = load_config(CONFIGS / "good.yml", BridgeConfig, {})
    model = settings.models["als"]
    assert settings.store == f"sqlite:///{CONFIGS}/bridge.db"
    assert settings.runs_folder == CONFIGS / "bridge-runs"
    assert settings.tokens[0].file == CONFIGS / "token"
    assert (model.launcher.cwd, model.artifacts) == (CONFIGS, CONFIGS / "artifacts" / "als")
    assert (model.max_per_day, model.min_samples) == (6, 50)


def test_default_retention_is_held_against_the_cooldown_too(tmp_path: Path) -> None:
    path = tmp_path / "bridge.yml"
    text = (CONFIGS / "good.yml").read_text(encoding="utf-8").replace("cooldown: 1h", "cooldown: 91d")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="retention: must be at least 1d and no shorter than any"):
        load_config(path, BridgeConfig, {})


def test_shipped_configuration_is_valid() -> None:
    home = {"RECWATCH_HOME": "/srv/recwatch", "RECWATCH_SECRETS": "/run/secrets"}
    settings = load_config(ROOT / "alertmanager" / "bridge.yml", BridgeConfig, home)
    assert set(settings.models) == {"als", "bpr"}
    assert settings.store == "sqlite:////srv/recwatch/data/bridge.db"
    assert str(settings.models["bpr"].artifacts) == "/srv/recwatch/artifacts/bpr"


def _keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        yield key
        inner = [part for part in _parts(field.annotation) if issubclass(part, BaseModel)]
        marker = {
            "tokens": "tokens[]",
            "models": "models.NAME",
            "models.NAME.gate": "models.NAME.gate.METRIC",
        }
        for part in inner:
            yield from _keys(part, f"{marker.get(key, key)}.")


def _parts(annotation: object) -> Iterator[type]:
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _parts(argument)


def test_every_key_is_documented() -> None:
    text = (ROOT / "docs" / "bridge.md").read_text(encoding="utf-8")
    keys = list(_keys(BridgeConfig))
    assert "models.NAME.gate.METRIC.at_most" in keys
    assert [key for key in keys if f"`{key}`" not in text] == []


@pytest.mark.parametrize(
    ("address", "parts"),
    [("0.0.0.0:80", ("0.0.0.0", 80)), ("[::1]:9095", ("::1", 9095))],  # noqa: S104
)
def test_listen_addresses(address: str, parts: tuple[str, int]) -> None:
    assert split_listen(address) == parts
