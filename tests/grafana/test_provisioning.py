from pathlib import Path

import yaml

from recwatch_dashboards.variables import PROVISIONED_UID


def test_the_data_source_has_the_uid_that_the_dashboards_choose(folder: Path) -> None:
    text = (folder / "provisioning" / "datasources" / "prometheus.yml").read_text(encoding="utf-8")
    (source,) = yaml.safe_load(text)["datasources"]

    assert source["uid"] == PROVISIONED_UID
    assert source["type"] == "prometheus"
    assert source["url"] == "${RECWATCH_PROMETHEUS_URL}"


def test_dashboards_come_from_files_only(folder: Path) -> None:
    text = (folder / "provisioning" / "dashboards" / "recwatch.yml").read_text(encoding="utf-8")
    (provider,) = yaml.safe_load(text)["providers"]

    assert provider["allowUiUpdates"] is False
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
