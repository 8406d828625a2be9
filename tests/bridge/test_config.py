from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from recwatch.config import load_config
from recwatch.durations import parse_duration
from recwatch.errors import ConfigError
from recwatch_bridge.config import Approval, BridgeConfig, Command, Report, Watchdog, WeeklyLook, split_listen

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = Path(__file__).with_name("configs")

MISTAKES = {
    "argv-nul": "models.als.launcher.argv.1: must hold no NUL character: remove it (found 'a\\x00b')",
    "artifacts-nul": "models.als.artifacts: must hold no NUL character: remove it "
    "(found 'artifacts/\\x00als')",
    "artifacts-twice": "models.bpr.artifacts is the folder of als: each model needs one of its own, "
    "such as artifacts/bpr",
    "listen-number": "listen: is not an address to listen on: write it as 127.0.0.1:9095 (found 9095)",
    "max-body": "max_body_bytes: must be a whole number (found '4MB')",
    "max-per-day": "models.als.max_per_day: must be above 0 (found 0)",
    "port": "sinks.email.port: must be at most 65535 (found 70000)",
    "store-driver": "store: names another driver: write it as postgresql+psycopg://user@host/database "
    "(found 'postgresql+nodriver://recwatch@db/bridge')",
    "store-driver-async": "store: must be SQLite or PostgreSQL: write it as sqlite:///bridge.db "
    "(found 'sqlite+aiosqlite:///bridge.db')",
    "approval": "models.als.approval: within must be above 0",
    "weekly-day": "weekly_look.day: must be 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', "
    "'saturday' or 'sunday' (found 'caturday')",
    "weekly-time": 'weekly_look.at: is not a time of day: write it in quotes, as "02:00" (found 720)',
    "weekly-zone": "weekly_look.timezone: is not a time zone: write it as UTC or Europe/Berlin "
    "(found '../../etc/passwd')",
    "report-schedule": 'report.schedule: is not a schedule: write it in quotes, as "Mon 07:00", or "07:00" '
    "for every day (found 'Caturday 07:00')",
    "report-time": 'report.schedule: is not a schedule: write it in quotes, as "Mon 07:00", or "07:00" '
    "for every day (found 750)",
    "report-period": "report.period: must be 1h at least and 92d at most (found '5m')",
    "report-prometheus": "report is made of what Prometheus knows: add prometheus_url",
    "report-sink": "report.sinks names slack, which sinks lacks: add it there or leave it out",
    "address": "sinks.email.to.0: is not an email address: write it as name@example.com (found 'team')",
    "cooldown": "models.als.cooldown: '1 hour' is not a duration: write a number and a unit, such as 15s, "
    "5m, 1h30m or 60d (found '1 hour')",
    "gate-rule": "models.als.gate.ndcg@10: needs exactly one of ratio, at_most and at_least",
    "launcher": "models.als.launcher: type must be command, celery or http, not shell",
    "launcher-api": "models.als.launcher: api must be github, airflow2, airflow3 or plain, not jenkins",
    "launcher-poll": "models.als.launcher: poll must be above 0",
    "launcher-repository": "models.als.launcher.repository: is not a repository: "
    "write it as owner/name (found 'example')",
    "listen": "listen: is not an address to listen on: write it as 127.0.0.1:9095 (found 'localhost')",
    "model-name": "models.../als: is not a model's name: write letters, digits, - and _, 63 at most "
    "(found '../als')",
    "no-sinks": "sinks: names no sink: add email, slack or both",
    "no-tokens": "tokens: must not be empty: add one at least",
    "password-in-clear": "sinks.email: tls: none would send the password in clear: use starttls or tls",
    "prometheus-port": "prometheus_url: is not an address: write it as http://host:port/path "
    "(found 'http://127.0.0.1:nine')",
    "prometheus-token": "prometheus_token_file without prometheus_url: add prometheus_url or remove it",
    "prometheus-url": "prometheus_url: must have neither ? nor #: paths are added to it "
    "(found 'http://127.0.0.1:9090/graph?g0.expr=up')",
    "reload-token": "models.als: reload_token_file without reload_url: add reload_url or remove it",
    "reload-url": "models.als.reload_url: is not an address: write it as http://host:port/path "
    "(found 'localhost')",
    "reminder": "sinks.slack.remind_after: must be above 0; leave it out for no reminders (found '0s')",
    "retry": "sinks.slack.retry: initial must be above 0 and at most max",
    "retention": "retention: must be no shorter than models.als.cooldown, which is 3d (found '2d')",
    "scope": "tokens.0.scopes.1: must be 'alerts', 'read' or 'manage' (found 'admin')",
    "shell-line": "models.als.launcher.argv: must be a list: write [...], or a line with - for each "
    "(found './train.sh --fast')",
    "store-memory": "store: must name a file, or an alert would not survive a restart: sqlite:///bridge.db "
    "(found 'sqlite://')",
    "store-kind": "store: must be SQLite or PostgreSQL: write it as sqlite:///bridge.db "
    "(found 'mysql://db/bridge')",
    "store-password": "store: holds a password: put it into a file and name that at store_password_file "
    "(found 'postgresql+psycopg://recwatch:***@db/bridge')",
    "store-password-file": "store_password_file is for PostgreSQL: remove it, or name a server at store",
    "store-port": "store: is not a database address: write it as sqlite:///bridge.db "
    "(found 'postgresql+psycopg://recwatch:***@db:port/bridge')",
    "store-postgresql": "runs_dir is required with PostgreSQL: a folder that every bridge can reach",
    "store-url": "store: is not a database address: write it as sqlite:///bridge.db (found 'bridge.db')",
    "timeout": "models.als: timeout must be above 0",
    "tls": "sinks.email.tls: must be 'none', 'starttls' or 'tls' (found 'ssl')",
    "unknown-key": "listens: no such key; did you mean listen?",
    "watch-errors": "models.als.watch.max_errors: is not a share above 0: write 5 % as 0.05 (found 5)",
    "watch-for": "models.als.watch: for must be above 0",
    "watch-prometheus": "models.als.watch asks Prometheus: add prometheus_url",
    "watchdog": "watchdog: timeout must be above 0",
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
    assert isinstance(model.launcher, Command)
    assert (model.launcher.cwd, model.artifacts) == (CONFIGS, CONFIGS / "artifacts" / "als")
    assert (model.max_per_day, model.min_samples) == (6, 50)


def test_default_retention_is_held_against_the_cooldown_too(tmp_path: Path) -> None:
    path = tmp_path / "bridge.yml"
    text = (CONFIGS / "good.yml").read_text(encoding="utf-8").replace("cooldown: 1h", "cooldown: 91d")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(
        ConfigError,
        match=r"retention: must be no shorter than models.als.cooldown, which is 91d \(found 90d\)",
    ):
        load_config(path, BridgeConfig, {})


def test_shipped_configuration_is_valid() -> None:
    home = {"RECWATCH_HOME": "/srv/recwatch", "RECWATCH_SECRETS": "/run/secrets"}
    settings = load_config(ROOT / "alertmanager" / "bridge.yml", BridgeConfig, home)
    assert set(settings.models) == {"als", "bpr"}
    assert settings.store == "sqlite:////srv/recwatch/data/bridge.db"
    assert str(settings.models["bpr"].artifacts) == "/srv/recwatch/artifacts/bpr"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", None),
        ("watchdog: true", Watchdog()),
        ("watchdog: {}", Watchdog()),
        ("watchdog: false", Watchdog(enabled=False)),
    ],
)
def test_watchdog_is_switched_on_and_off(text: str, found: Watchdog | None, tmp_path: Path) -> None:
    path = tmp_path / "bridge.yml"
    path.write_text((CONFIGS / "good.yml").read_text(encoding="utf-8") + text, encoding="utf-8")
    assert load_config(path, BridgeConfig, {}).watchdog == found


def test_weekly_look_is_switched_on_and_off() -> None:
    assert WeeklyLook.model_validate(obj=True) == WeeklyLook()
    assert not WeeklyLook.model_validate(obj=False).enabled


def test_report_is_switched_on_and_off() -> None:
    assert Report.model_validate(obj=True) == Report()
    assert not Report.model_validate(obj=False).enabled


@pytest.mark.parametrize(
    ("text", "found"), [("", None), ("true", "1d"), ("{within: 2h}", "2h"), ("false", None)]
)
def test_approval_is_switched_on_and_off(text: str, found: str | None, tmp_path: Path) -> None:
    path = tmp_path / "bridge.yml"
    good = (CONFIGS / "good.yml").read_text(encoding="utf-8")
    path.write_text(
        good.replace("cooldown: 1h", f"cooldown: 1h, approval: {text}" if text else "cooldown: 1h")
    )
    approval = load_config(path, BridgeConfig, {}).models["als"].approval
    assert approval == (None if found is None else Approval(within=parse_duration(found)))


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
    text = (ROOT / "docs" / "bridge-reference.md").read_text(encoding="utf-8")
    keys = list(_keys(BridgeConfig))
    assert "models.NAME.gate.METRIC.at_most" in keys
    assert [key for key in keys if f"`{key}`" not in text] == []


@pytest.mark.parametrize(
    ("address", "parts"),
    [("0.0.0.0:80", ("0.0.0.0", 80)), ("[::1]:9095", ("::1", 9095))],  # noqa: S104
)
def test_listen_addresses(address: str, parts: tuple[str, int]) -> None:
    assert split_listen(address) == parts
