"""docker-compose.yml: hardened, on loopback, and in step with the files that name its services."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml

from recwatch_local.compose import REMEDY, find_compose
from recwatch_local.paths import ROOT
from recwatch_local.programs import RETENTION


class Require(Protocol):
    def __call__(self, name: str, *, is_there: bool, remedy: str) -> None: ...


COMPOSE: Any = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "mem_limit" in service
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_port_is_published_on_loopback_alone(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_has_a_version(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].partition(":")
    assert tag not in {"", "latest"}


@pytest.mark.parametrize(
    "files", [["docker-compose.yml"], ["docker-compose.yml", "docker-compose.debian.yml"]]
)
def test_compose_itself_finds_the_files_valid(require_component: Require, files: list[str]) -> None:
    compose = find_compose()
    require_component("docker compose", is_there=compose is not None, remedy=REMEDY)
    assert compose is not None
    named = [part for file in files for part in ("--file", str(ROOT / file))]
    answer = subprocess.run(
        [*compose, *named, "config", "--quiet"], capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, "")


def test_no_password_is_written_down() -> None:
    words = [key for service in SERVICES.values() for key in service.get("environment", {})]
    assert not [word for word in words if "PASSWORD" in word.upper() and not word.endswith("__FILE")]


def _mounts() -> Iterator[tuple[str, Path]]:
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                yield name, ROOT / source
            else:
                assert source in COMPOSE["volumes"], f"{name} mounts {source}, which is not declared"


def test_what_is_mounted_exists() -> None:
    mounted = list(_mounts())
    assert mounted
    assert [path for _, path in mounted if not path.exists()] == []


def _ports_of(service: Any) -> set[str]:
    """The ports inside the container that the file itself mentions: published, or in its command."""
    published = {port.rsplit(":", 1)[1] for port in service.get("ports", [])}
    words = " ".join(service.get("command", []) if isinstance(service.get("command"), list) else [])
    return published | {
        word.rsplit(":", 1)[-1] for word in words.split() if word.rsplit(":", 1)[-1].isdecimal()
    }


def test_targets_and_webhook_addresses_name_services_of_this_file() -> None:
    named = []
    for file in sorted((ROOT / "prometheus" / "targets" / "compose").glob("*.yml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8")):
            named += group["targets"]
    for file in sorted((ROOT / "alertmanager" / "urls" / "compose").iterdir()):
        address = file.read_text(encoding="utf-8").strip().removeprefix("http://")
        named.append(address.split("/")[0])
    assert named
    for target in named:
        host, _, port = target.partition(":")
        assert port in _ports_of(SERVICES[host]), f"{target} is not a service and port of docker-compose.yml"


def test_both_modes_watch_the_same_jobs() -> None:
    def jobs(mode: str) -> list[str]:
        files = sorted((ROOT / "prometheus" / "targets" / mode).glob("*.yml"))
        groups = [group for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))]
        return sorted(group.get("labels", {}).get("job", "") for group in groups)

    assert jobs("local") == jobs("compose")


def test_every_variable_of_the_configuration_can_be_set() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for service, file in (("bridge", "alertmanager/bridge.yml"), ("exporter", "exporter/drift.yml")):
        named = set(re.findall(r"\$\{(\w+)", (ROOT / file).read_text(encoding="utf-8")))
        assert named
        settable = set(SERVICES[service]["environment"]) | set(re.findall(r"(RECWATCH_\w+)=", dockerfile))
        assert named - settable == set()


def test_prometheus_keeps_as_long_as_without_docker() -> None:
    assert f"--storage.tsdb.retention.time={RETENTION}" in SERVICES["prometheus"]["command"]
