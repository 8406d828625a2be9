import re
from pathlib import Path

import yaml

from recwatch_dashboards.variables import PROVISIONED_STORE_UID, PROVISIONED_UID, STORE_TYPE


def test_the_data_source_has_the_uid_that_the_dashboards_choose(folder: Path) -> None:
    text = (folder / "provisioning" / "datasources" / "prometheus.yml").read_text(encoding="utf-8")
    (source,) = yaml.safe_load(text)["datasources"]

    assert source["uid"] == PROVISIONED_UID
    assert source["type"] == "prometheus"
    assert source["url"] == "${RECWATCH_PROMETHEUS_URL}"


def test_the_store_is_set_by_the_environment_alone(folder: Path) -> None:
    text = (folder / "provisioning" / "datasources" / "store.yml").read_text(encoding="utf-8")
    (source,) = yaml.safe_load(text)["datasources"]

    assert (source["uid"], source["type"]) == (PROVISIONED_STORE_UID, STORE_TYPE)
    assert source.get("isDefault", False) is False
    more = source["jsonData"]
    settings = [source["url"], source["user"], more["database"], more["sslmode"]]
    settings.append(source["secureJsonData"]["password"])
    assert all(re.fullmatch(r"\$\{RECWATCH_STORE_\w+\}", setting) for setting in settings)


def test_compose_sets_what_the_data_sources_ask_for(folder: Path) -> None:
    compose = yaml.safe_load((folder.parent / "docker-compose.yml").read_text(encoding="utf-8"))
    given = compose["services"]["grafana"]["environment"]
    for file in sorted((folder / "provisioning" / "datasources").glob("*.yml")):
        source = "\n".join(
            line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")
        )
        assert set(re.findall(r"\$\{(\w+)\}", source)) <= given.keys(), file.name
    # Grafana does not start where a file is missing that it is to read: it is made with the others.
    (secret,) = re.findall(r"\$__file\{/run/grafana-secret/(\w+)\}", given["RECWATCH_STORE_SECRET"])
    command = compose["services"]["secrets"]["command"]
    assert secret in command
    assert f"--copy={secret}=/run/grafana-secret" in command


def test_dashboards_come_from_files_only(folder: Path) -> None:
    text = (folder / "provisioning" / "dashboards" / "recwatch.yml").read_text(encoding="utf-8")
    (provider,) = yaml.safe_load(text)["providers"]

    assert provider["allowUiUpdates"] is False
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
