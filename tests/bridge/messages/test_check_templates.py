from pathlib import Path

import pytest

from recwatch.errors import ConfigError
from recwatch_bridge.messages import template_set
from recwatch_bridge.messages.check_templates import check_templates


def test_the_built_in_ones_are_good() -> None:
    check_templates(Path(template_set.__file__).with_name("templates"))


def test_an_empty_folder_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("ours", encoding="utf-8")
    check_templates(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("subject.txt", "{{ subjekt }}", "subject.txt: UndefinedError: 'subjekt' is undefined"),
        ("email.txt", "a\n{% if %}", "email.txt, line 2: TemplateSyntaxError: Expected an expression"),
        ("slack.txt", "{{ entry.titel }}", "slack.txt: UndefinedError: 'dict object' has no attribute"),
        ("subject.txt", "{{ tone.__class__ }}", "subject.txt: SecurityError: access to attribute"),
        ("subject.txt", " {# nothing #}\n", "subject.txt: gives nothing at all"),
        ("email.html", "{% if picture %}{{ pictur }}{% endif %}x", "email.html: UndefinedError: 'pictur'"),
        ("mail.txt", "x", "mail.txt: no message has this template: name it one of subject.txt, email.txt,"),
        ("slack.j2", "x", "slack.j2: no message has this template"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        check_templates(tmp_path)
    assert str(caught.value).startswith(f"templates_dir: {tmp_path}/{told}")


def test_every_mistake_is_told(tmp_path: Path) -> None:
    for name in ("subject.txt", "email.txt"):
        (tmp_path / name).write_text("{{ nothing }}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"subject\.txt: (.*\n)+.*email\.txt: "):
        check_templates(tmp_path)


@pytest.mark.parametrize(
    ("name", "why"), [("none", "No such file or directory"), ("file", "Not a directory")]
)
def test_a_folder_that_cannot_be_read(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as caught:
        check_templates(tmp_path / name)
    told = f"templates_dir: {tmp_path}/{name} cannot be read ({why}): make it, or remove the key"
    assert str(caught.value) == told
