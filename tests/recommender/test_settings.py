from pathlib import Path

import pytest

from recommender.errors import SettingsError
from recommender.paths import Home
from recommender.serve import main
from recommender.settings import Settings, parse_seconds


def test_the_environment_names_everything() -> None:
    environment = {
        "RECWATCH_HOME": "/var/lib/recwatch",
        "RECWATCH_MODEL": "bpr",
        "RECWATCH_ADMIN_TOKEN_FILE": "/run/token",
        "RECWATCH_FLUSH_SECONDS": "1",
        "RECWATCH_FEEDBACK_SECONDS": "60",
        "RECWATCH_RERANK_TEST": "on",
    }
    expected = Settings(
        Home(Path("/var/lib/recwatch")),
        "bpr",
        Path("/run/token"),
        flush_seconds=1.0,
        feedback_seconds=60.0,
        rerank_test=True,
    )
    assert Settings.from_environment(environment) == expected


def test_what_is_empty_or_missing_has_a_default() -> None:
    expected = Settings(Home(Path()), "als", None, 30.0)
    assert Settings.from_environment({}) == expected
    empty = dict.fromkeys(("RECWATCH_FLUSH_SECONDS", "RECWATCH_MODEL", "RECWATCH_RERANK_TEST"), "")
    assert Settings.from_environment(empty) == expected


@pytest.mark.parametrize("text", ["soon", "0", "-1", "inf", "nan"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="write seconds above 0, such as 30"):
        parse_seconds(text)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("RECWATCH_FEEDBACK_SECONDS", "0", "'0' is no time: write seconds above 0"),
        ("RECWATCH_RERANK_TEST", "true", "'true' is neither: write on or off"),
    ],
)
def test_a_mistake_names_the_variable(name: str, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: {message}"):
        Settings.from_environment({name: text})


def test_the_command_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--flush-seconds", "never"])
    assert stopped.value.code == 2
    assert "--flush-seconds: 'never' is no time: write seconds" in capsys.readouterr().err
    monkeypatch.setenv("RECWATCH_FLUSH_SECONDS", "never")
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("RECWATCH_FLUSH_SECONDS: 'never' is no time")
