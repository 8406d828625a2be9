"""The files of one run of the stack: configuration in place, secrets made, folders there."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from recwatch_local.paths import ROOT, TOOLS_FOLDER
from recwatch_local.ports import HOST, Ports
from recwatch_local.render import shorten_yaml
from recwatch_local.secret_files import make_secrets, write_secret

# Windows follow the time of the events, not the wall clock; a time limit does not get better by being short.
EVENT_TIME_KEYS = frozenset({"window", "timeout"})


@dataclass(frozen=True)
class Layout:
    """Where one run keeps its things.

    Attributes:
        home: what outlives a run: artifacts/, data/, logs/, secrets/ (`RECWATCH_HOME`).
        run: what belongs to the run alone: configuration in place, databases of the servers, their log files.
    """

    home: Path
    run: Path

    @property
    def secrets(self) -> Path:
        """Tokens and addresses that nobody else may read."""
        return self.home / "secrets"

    @property
    def logs(self) -> Path:
        """One file a part."""
        return self.run / "logs"

    @property
    def prometheus_config(self) -> Path:
        """What Prometheus is started with; its targets and rules lie beside it."""
        return self.run / "prometheus" / "prometheus.yml"

    @property
    def alertmanager_config(self) -> Path:
        """What Alertmanager is started with; the bridge's addresses lie beside it."""
        return self.run / "alertmanager" / "alertmanager.yml"

    @property
    def drift_config(self) -> Path:
        """What the drift exporter is started with."""
        return self.run / "exporter" / "drift.yml"

    @property
    def bridge_config(self) -> Path:
        """What the bridge is started with."""
        return self.run / "bridge" / "bridge.yml"


SLACK_URL_FILE = "RECWATCH_SLACK_URL_FILE"
"""The environment variable that names a file with a real Slack webhook's address."""


def prepare(
    layout: Layout,
    ports: Ports,
    factors: Mapping[str, float] | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Put every file of a run in its place.

    Args:
        layout: where.
        ports: put into the lists of targets and webhook addresses.
        factors: for `prometheus`, `alertmanager`, `drift` and `bridge`, by what durations are divided;
            None takes the files as they are.
        environment: where `RECWATCH_SLACK_URL_FILE` is looked up; without it Slack is the local inbox.
    """
    for folder in (layout.logs, layout.home / "artifacts", layout.home / "data", layout.home / "logs"):
        folder.mkdir(parents=True, exist_ok=True)
    _secrets(layout.secrets, ports, (environment or {}).get(SLACK_URL_FILE))
    by_name = factors or {}
    _place(ROOT / "prometheus" / "prometheus.yml", layout.prometheus_config, by_name.get("prometheus"))
    for rules in sorted((ROOT / "prometheus" / "rules").glob("*.yml")):
        _place(rules, layout.prometheus_config.parent / "rules" / rules.name, by_name.get("prometheus"))
    # The user's, in the units of real time: linked whole, so that a file added later is read too.
    _link(ROOT / "prometheus" / "thresholds", layout.prometheus_config.parent / "thresholds")
    if not factors:
        _link(ROOT / "prometheus" / "services", layout.prometheus_config.parent / "services")
    _place(
        ROOT / "alertmanager" / "alertmanager.yml", layout.alertmanager_config, by_name.get("alertmanager")
    )
    _place(ROOT / "exporter" / "drift.yml", layout.drift_config, by_name.get("drift"))
    _place(ROOT / "alertmanager" / "bridge.yml", layout.bridge_config, by_name.get("bridge"))
    _move_ports(ROOT / "prometheus" / "targets" / "local", layout.prometheus_config.parent / "targets", ports)
    _move_ports(ROOT / "alertmanager" / "urls" / "local", layout.alertmanager_config.parent / "urls", ports)
    if TOOLS_FOLDER.exists():
        # What Debian's programs look for beside them, see `debian.relocate`.
        for folder in (layout.run, layout.alertmanager_config.parent):
            _link(TOOLS_FOLDER / "usr", folder / "usr")
    _link(layout.secrets, layout.alertmanager_config.parent / "secrets")


def _secrets(folder: Path, ports: Ports, slack_url_file: str | None) -> None:
    """Make the tokens; `slack_url` names the inbox until somebody names a webhook or writes one there."""
    make_secrets(folder, ("bridge_token", "bridge_admin_token", "admin_token", "exporter_token"))
    slack_url = folder / "slack_url"
    if slack_url_file:
        write_secret(slack_url, Path(slack_url_file).read_text(encoding="utf-8").strip())
    elif not slack_url.exists() or slack_url.read_text(encoding="utf-8").startswith(f"http://{HOST}:"):
        write_secret(slack_url, ports.url("slack"))


def _place(source: Path, target: Path, factor: float | None) -> None:
    """Link the file itself where nothing changes, so that an edit and a reload work as a user expects."""
    if factor is None:
        _link(source, target)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(
        shorten_yaml(source.read_text(encoding="utf-8"), factor, EVENT_TIME_KEYS), encoding="utf-8"
    )


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.symlink_to(source.resolve())


def _move_ports(source: Path, target: Path, ports: Ports) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in sorted(source.iterdir()):
        text = ports.replace_in(file.read_text(encoding="utf-8"))
        (target / file.name).write_text(text, encoding="utf-8")
