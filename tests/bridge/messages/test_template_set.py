from pathlib import Path

import pytest

from recwatch_bridge.messages.template_set import NAMES, Templates

VALUES = {
    "subject": "[INFO] a < b",
    "tone": "info",
    "entries": [],
    "notes": ["x & y"],
    "page": "",
    "picture": "",
}


def test_every_template_is_built_in() -> None:
    folder = Path(__file__).parents[3] / "alertmanager/recwatch_bridge/messages/templates"
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)


def test_html_is_escaped_and_text_is_not() -> None:
    templates = Templates()
    assert "x &amp; y" in templates.render("email.html", VALUES)
    assert "x & y" in templates.render("email.txt", VALUES)


def test_one_file_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    (tmp_path / "subject.txt").write_text("[prod] {{ subject }}", encoding="utf-8")
    templates = Templates(tmp_path)
    assert templates.render("subject.txt", VALUES) == "[prod] [INFO] a < b"
    assert "x & y" in templates.render("email.txt", VALUES)


def test_html_of_ones_own_is_escaped_too(tmp_path: Path) -> None:
    (tmp_path / "email.html").write_text("<p>{{ subject }}</p>", encoding="utf-8")
    assert Templates(tmp_path).render("email.html", VALUES) == "<p>[INFO] a &lt; b</p>"


def test_a_change_counts_at_once(tmp_path: Path) -> None:
    templates = Templates(tmp_path)
    assert templates.render("subject.txt", VALUES) == "[INFO] a < b"
    (tmp_path / "subject.txt").write_text("changed", encoding="utf-8")
    assert templates.render("subject.txt", VALUES) == "changed"


@pytest.mark.parametrize(
    "broken",
    [
        "{{ subjekt }}",
        "{% if %}",
        "{{ subject.__class__.__mro__ }}",
        "{{ 1 / 0 }}",
        "{% include '../token' %}",
        "{{ notes.append(1) }}",
        "{% for a in range(1000000) %}{% endfor %}",
    ],
)
def test_what_fails_gives_way_to_the_built_in_one(
    tmp_path: Path, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "token").write_text("secret", encoding="utf-8")
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "subject.txt").write_text(broken, encoding="utf-8")
    failed: list[int] = []
    templates = Templates(folder, lambda: failed.append(1))
    assert templates.render("subject.txt", VALUES) == "[INFO] a < b"
    assert failed == [1]
    assert f"template {folder / 'subject.txt'} failed; the built-in one is used" in caplog.text


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "subject.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "email.txt").mkdir()
    templates = Templates(tmp_path)
    assert templates.render("subject.txt", VALUES) == "[INFO] a < b"
    assert "x & y" in templates.render("email.txt", VALUES)


def test_what_an_alert_says_is_no_template() -> None:
    assert Templates().render("subject.txt", {"subject": "{{7*7}} {% raw %}"}) == "{{7*7}} {% raw %}"
