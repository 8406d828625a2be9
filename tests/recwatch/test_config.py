from datetime import timedelta
from pathlib import Path
from typing import Self

import pytest
from pydantic import ValidationInfo, model_validator

from recwatch.config import Duration, Strict, expand_variables, load_config, parse_config
from recwatch.errors import ConfigError


class Window(Strict):
    every: Duration = timedelta(hours=1)
    rows: int = 50


class Example(Strict):
    listen: str
    window: Window = Window()
    names: tuple[str, ...] = ()

    @model_validator(mode="after")
    def names_differ(self) -> Self:
        if len(set(self.names)) < len(self.names):
            raise ValueError("names must differ; rename one")
        return self


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "example.yml"


def complaint(file: Path, text: str) -> str:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as failure:
        load_config(file, Example, {})
    return str(failure.value)


def test_a_good_file(file: Path) -> None:
    file.write_text("listen: ${HOST:-127.0.0.1}:${PORT}\nwindow: {every: 5m, rows: '${ROWS:-7}'}\n")
    example = load_config(file, Example, {"PORT": "9109"})
    assert example == Example(listen="127.0.0.1:9109", window=Window(every=timedelta(minutes=5), rows=7))


def test_the_environment_is_the_process_s_by_default(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECWATCH_TEST_LISTEN", "here")
    file.write_text("listen: ${RECWATCH_TEST_LISTEN}")
    assert load_config(file, Example).listen == "here"


def test_a_model_learns_which_folder_its_file_is_in(file: Path) -> None:
    class Based(Strict):
        path: str

        @model_validator(mode="after")
        def resolve(self, info: ValidationInfo) -> Self:
            assert info.context is not None
            assert info.context["base"] == file.resolve().parent
            return self

    file.write_text("path: data")
    load_config(file, Based, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("listen: x\nlitsen: y", "litsen: no such key; did you mean listen?"),
        ("window: {}", "listen: is required; add it"),
        ("listen: x\nwindow: {rows: many}", "window.rows: must be a whole number"),
        (
            "listen: x\nwindow: {every: 5 minutes}",
            "window.every: '5 minutes' is not a duration: write a number",
        ),
        ("listen: x\nwindow: {every: 5}", "window.every: write a number and a unit, such as 15s"),
        ("listen: x\nwindow: {every: true}", "window.every: write a number and a unit, such as 15s"),
        ("listen: x\nnames: [a, a]", "example.yml: names must differ; rename one"),
        ("listen: ${NOWHERE}", "${NOWHERE} is not set: export NOWHERE, or write ${NOWHERE:-default}"),
        ("listen: [", "is not YAML: line 1, column 10: expected the node content, but found '<stream end>'"),
        ("listen: x\nlisten: y", "the key 'listen' stands twice; remove one"),
        ("- listen", "must hold keys and their values"),
        ("", "must hold keys and their values"),
    ],
)
def test_a_mistake_is_named_with_its_file_key_and_remedy(file: Path, text: str, message: str) -> None:
    found = complaint(file, text)
    assert found.startswith(f"{file}: ")
    assert message in found


def test_a_password_is_in_no_message(file: Path) -> None:
    secret = f"postgresql://anna:{'geheim' * 20}@host/runs"
    for text in (
        f"listen: x\nwindow: {{rows: '{secret}'}}",
        f"listen: {{url: '{secret}'}}",
        f"listen: x\nnames: ['{secret}', '{secret}']",
        "listen: ['postgresql://anna:geheim@host/runs'",
    ):
        found = complaint(file, text)
        assert "geheim" not in found


def test_a_mapping_or_list_is_not_shown(file: Path) -> None:
    assert (
        complaint(file, "listen: {password: geheim}")
        == f"{file}: listen: must be text: a number needs quotes"
    )
    assert complaint(file, "listen: [geheim]") == f"{file}: listen: must be text: a number needs quotes"


def test_every_mistake_has_its_line(file: Path) -> None:
    lines = complaint(file, "litsen: x\nwindow: {rows: many, evry: 5m}").splitlines()
    assert len(lines) == 4
    assert all(line.startswith(f"{file}: ") for line in lines)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bytes.yml").write_bytes(b"\xff\xfe\xff")
    for name in ("missing.yml", "bytes.yml"):
        with pytest.raises(ConfigError, match=f"{name}: cannot be read"):
            load_config(tmp_path / name, Example)


def test_no_duration_is_a_duration(file: Path) -> None:
    file.write_text("listen: x\nwindow: {every: 0}")
    assert load_config(file, Example, {}).window.every == timedelta()


def test_durations_are_written_as_they_are_read() -> None:
    assert Window(every=timedelta(minutes=90)).model_dump() == {"every": "1h30m", "rows": 50}


def test_keys_may_be_merged_and_overridden(file: Path) -> None:
    class Two(Strict):
        a: dict[str, int]
        b: dict[str, int]

    file.write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}")
    assert load_config(file, Two, {}).b == {"x": 1, "y": 3}


def test_variables_are_expanded_in_every_string_and_nowhere_else() -> None:
    document = {"${A}": ["${A}-${B:-}", {"x": "$A ${A"}], "n": 1, "t": True, "z": None}
    assert expand_variables(document, {"A": "1"}) == {
        "${A}": ["1-", {"x": "$A ${A"}],
        "n": 1,
        "t": True,
        "z": None,
    }


def test_a_value_never_becomes_structure(file: Path) -> None:
    file.write_text("listen: ${EVIL}")
    assert load_config(file, Example, {"EVIL": "x\nnames: [a]"}).listen == "x\nnames: [a]"


def test_an_empty_variable_counts_as_unset() -> None:
    assert expand_variables("${A:-default}", {"A": ""}) == "default"
    with pytest.raises(ConfigError):
        expand_variables("${A}", {"A": ""})


def test_configuration_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Window().rows = 3  # type: ignore[misc]


class Entry(Strict):
    name: str = ""
    threshold: float = 0.1


class Listing(Strict):
    entries: tuple[Entry, ...]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("entries: [{}, {name: prices, treshold: 1}]", "entries.1 (prices).treshold: {a_guess}"),
        ("entries: [{name: prices, colour: red}]", "entries.0 (prices).colour: {no_guess}"),
        ('entries: [{name: "a\\nb", treshold: 1}]', "entries.0.treshold: {a_guess}"),
        ("entries: {name: a}", "entries: must be a list: write [...], or a line with - for each"),
        ("entries: 5", "entries: must be a list: write [...], or a line with - for each (found 5)"),
        ("entries: &a [*a]", "is nested too deeply, or an alias (*) holds itself: flatten it"),
        ("entries: " + "[" * 3000, "is nested too deeply, or an alias (*) holds itself: flatten it"),
    ],
)
def test_an_entry_of_a_list_is_named(file: Path, text: str, message: str) -> None:
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError) as failure:
        load_config(file, Listing, {})

    told = message.format(
        a_guess="no such key; did you mean threshold?", no_guess="no such key; remove it or correct its name"
    )
    assert str(failure.value) == f"{file}: {told}"


def test_a_document_that_is_no_file(tmp_path: Path) -> None:
    window = {"window": {"every": "5m", "row": 3}}

    assert parse_config({"listen": "here"}, Example, base=tmp_path).listen == "here"
    with pytest.raises(ConfigError) as failure:
        parse_config({"listen": 5, **window}, Example, base=tmp_path)

    assert str(failure.value).splitlines() == [
        "listen: must be text: a number needs quotes (found 5)",
        "window.row: no such key; did you mean rows?",
    ]


def test_a_text_where_keys_belong(file: Path) -> None:
    assert complaint(file, "listen: here\nwindow: hourly") == (
        f"{file}: window: must be a mapping: write {{key: value}}, or a line for each key (found 'hourly')"
    )
