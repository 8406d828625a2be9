from datetime import timedelta
from pathlib import Path

import pytest

from recwatch.cli.parser import create_parser


@pytest.mark.parametrize(
    "argv",
    [["--store", "s", "--json", "runs"], ["runs", "--store", "s", "--json"], ["--json", "runs", "--store=s"]],
)
def test_common_options_stand_before_or_after_the_command(argv: list[str]) -> None:
    parsed = create_parser().parse_args(argv)
    assert (parsed.store, parsed.json, parsed.artifacts) == ("s", True, None)


def test_nested_commands_take_the_common_options_too() -> None:
    parsed = create_parser().parse_args(["--artifacts", "a", "models", "list", "--json"])
    assert (parsed.artifacts, parsed.json) == (Path("a"), True)


def test_durations_are_prometheus_s() -> None:
    assert create_parser().parse_args(["models", "prune", "als"]).min_age == timedelta(days=1)
    parsed = create_parser().parse_args(["models", "prune", "als", "--min-age", "0"])
    assert parsed.min_age == timedelta()


@pytest.mark.parametrize(
    ("argv", "program", "message"),
    [
        ([], "recwatch", "the following arguments are required: COMMAND"),
        (["run"], "recwatch run", "the following arguments are required: RUN_ID"),
        (
            ["runs", "--limit", "0"],
            "recwatch runs",
            "argument --limit: '0': write a whole number from 1 to 1000000",
        ),
        (
            ["models", "promote", "als", "v1", "--reason", " "],
            "recwatch models promote",
            "argument --reason: is empty: say why, in words for whoever reads the history",
        ),
        (
            ["models", "rollback", "als"],
            "recwatch models rollback",
            "the following arguments are required: --reason",
        ),
    ],
)
def test_a_command_line_without_sense_costs_one_line_and_exit_code_2(
    argv: list[str], program: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        create_parser().parse_args(argv)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"{program}: {message} (see {program} --help)\n"


def test_a_duration_needs_a_unit(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        create_parser().parse_args(["models", "prune", "als", "--min-age", "3"])
    assert ended.value.code == 2
    assert "argument --min-age: '3' is not a duration" in capsys.readouterr().err


@pytest.mark.parametrize("limit", ["-1", "1.5", "x", "", "9" * 30, "²"])
def test_limits_are_whole_and_positive(limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        create_parser().parse_args(["runs", f"--limit={limit}"])
    assert ended.value.code == 2
    assert "write a whole number" in capsys.readouterr().err
