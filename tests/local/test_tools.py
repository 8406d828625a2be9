from pathlib import Path

import pytest

from recwatch_local.errors import ToolsMissingError
from recwatch_local.tools import Tools, find_oldest_promtool, find_tools, program_version, search


def _program(folder: Path, name: str, says: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_the_real_programs_say_a_version_that_is_new_enough(tools: Tools) -> None:
    prometheus = program_version(tools.prometheus)
    alertmanager = program_version(tools.alertmanager)
    assert prometheus is not None
    assert alertmanager is not None
    assert prometheus >= (3, 5)
    assert alertmanager >= (0, 28)


def test_path_is_looked_at_first_and_debians_name_is_known(tmp_path: Path) -> None:
    on_path = _program(tmp_path / "bin", "prometheus", "prometheus, version 3.5.0 (branch: HEAD)")
    _program(tmp_path / "own/usr/bin", "prometheus", "prometheus, version 3.9.0")
    debian = _program(tmp_path / "own/usr/bin", "prometheus-alertmanager", "alertmanager, version 0.28.1")
    found, missing = search(tmp_path / "own", str(tmp_path / "bin"))
    assert found == {"prometheus": on_path, "alertmanager": debian}
    assert missing == ["promtool", "amtool", "pushgateway"]


def test_a_program_that_is_too_old_is_passed_over_for_one_that_is_not(tmp_path: Path) -> None:
    _program(tmp_path / "bin", "prometheus", "prometheus, version 2.42.0")
    newer = _program(tmp_path / "own/usr/bin", "prometheus", "prometheus, version 3.5.3+ds1")
    found, _ = search(tmp_path / "own", str(tmp_path / "bin"))
    assert found["prometheus"] == newer


def test_what_is_missing_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(
        ToolsMissingError, match=r"prometheus 3\.5, .*pushgateway 1\.5 or later\. Run `make tools`"
    ):
        find_tools(tmp_path, path=str(tmp_path))


def test_a_program_that_does_not_say_its_version_is_none(tmp_path: Path) -> None:
    assert program_version(_program(tmp_path, "prometheus", "hello")) is None
    assert program_version(tmp_path / "absent") is None


def test_the_oldest_promtool_is_of_the_major_version_before(tmp_path: Path) -> None:
    assert find_oldest_promtool(tmp_path) is None
    _program(tmp_path / "oldest/usr/bin", "promtool", "promtool, version 3.5.0")
    assert find_oldest_promtool(tmp_path) is None
    older = _program(tmp_path / "oldest/usr/bin", "promtool", "promtool, version 2.53.3+ds1")
    assert find_oldest_promtool(tmp_path) == older
