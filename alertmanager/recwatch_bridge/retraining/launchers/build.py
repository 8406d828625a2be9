"""Makes the launcher that bridge.yml names for a model."""

from collections.abc import Mapping
from pathlib import Path
from typing import assert_never
from urllib.parse import unquote, urlsplit

from recwatch.errors import ConfigError
from recwatch_bridge import config
from recwatch_bridge.retraining.launchers.base import Launcher
from recwatch_bridge.retraining.launchers.command import CommandLauncher
from recwatch_bridge.retraining.launchers.http.airflow import AirflowApi
from recwatch_bridge.retraining.launchers.http.exchange import Api
from recwatch_bridge.retraining.launchers.http.github import GithubApi
from recwatch_bridge.retraining.launchers.http.launcher import HttpLauncher
from recwatch_bridge.retraining.launchers.http.plain import PlainApi
from recwatch_bridge.secret import read_secret

_SHORTEST = 4


def build_launcher(
    launcher: config.Launcher, environment: Mapping[str, str], *, key: str = "launcher", shared: bool = False
) -> Launcher:
    """Make a launcher; its secrets are read now, nothing is called.

    Args:
        launcher: what bridge.yml says.
        environment: what a command inherits.
        key: where bridge.yml says it, such as `models.als.launcher`, for errors.
        shared: whether bridges on several machines share the work, so that a process may be on another one.

    Raises:
        ConfigError: when a secret cannot be used or what the launcher needs is not installed.
    """
    match launcher:
        case config.Command():
            return CommandLauncher(launcher.argv, cwd=launcher.cwd, environment=environment, shared=shared)
        case config.Celery():
            return _celery(launcher, key)
        case config.GithubLauncher() | config.AirflowLauncher() | config.PlainHttp():
            return HttpLauncher(_api(launcher, key), poll=launcher.poll.total_seconds())
        case _:
            assert_never(launcher)


def _api(launcher: config.GithubLauncher | config.AirflowLauncher | config.PlainHttp, key: str) -> Api:
    match launcher:
        case config.GithubLauncher():
            return GithubApi(
                launcher.url,
                repository=launcher.repository,
                workflow=launcher.workflow,
                ref=launcher.ref,
                token=_read_token(launcher.token_file, f"{key}.token_file"),
            )
        case config.AirflowLauncher():
            return AirflowApi(
                launcher.url,
                version=2 if launcher.api == "airflow2" else 3,
                dag=launcher.dag,
                result_task=launcher.result_task,
                user=launcher.user,
                password=_read_secret(launcher.password_file, f"{key}.password_file"),
            )
        case config.PlainHttp():
            file = launcher.token_file
            return PlainApi(
                launcher.url, token=None if file is None else _read_token(file, f"{key}.token_file")
            )
        case _:
            assert_never(launcher)


def _read_token(path: Path, key: str) -> str:
    token = _read_secret(path, key)
    if not token.isascii() or not token.isprintable():
        raise ConfigError(f"{key}: {path} must hold a token of ASCII characters")
    return token


def _read_secret(path: Path, key: str) -> str:
    secret = read_secret(path, key)
    _check_length(secret, path, key)
    return secret


def _check_length(secret: str, path: Path, key: str) -> None:
    """Refuse what cannot be taken out of a log line without taking the line apart."""
    if len(secret) < _SHORTEST:
        raise ConfigError(
            f"{key}: {path} holds a secret of {len(secret)} characters, too short to be kept out of logs: "
            f"use one of {_SHORTEST} or more"
        )


def _celery(launcher: config.Celery, key: str) -> Launcher:
    try:
        # The extra `celery` is asked of those alone who name it.
        from recwatch_bridge.retraining.launchers.celery.broker import Broker  # noqa: PLC0415
        from recwatch_bridge.retraining.launchers.celery.launcher import CeleryLauncher  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigError(f"{key}: type celery needs Celery: pip install 'recwatch[celery]'") from error
    url = _read_redis(launcher.broker_file, f"{key}.broker_file")
    results = url
    if launcher.results_file is not None:
        results = _read_redis(launcher.results_file, f"{key}.results_file")
    broker = Broker(url, results, task=launcher.task, queue=launcher.queue)
    return CeleryLauncher(broker, secrets=_passwords(url, results))


def _passwords(*addresses: str) -> tuple[str, ...]:
    """Return the passwords of addresses, as they are written there and as they are; longest first."""
    written = {password for address in addresses if (password := urlsplit(address).password)}
    return tuple(sorted(written | {unquote(password) for password in written}, key=len, reverse=True))


def _read_redis(path: Path, key: str) -> str:
    """Read the address of a Redis, which may hold a password and is not repeated."""
    url = read_secret(path, key)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"{key}: {path} must hold the address of a Redis, such as redis://redis:6379/0")
    if password := urlsplit(url).password:
        _check_length(unquote(password), path, key)
    return url
