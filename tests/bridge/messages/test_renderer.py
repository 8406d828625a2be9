from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.messages.compose import compose
from recwatch_bridge.messages.notification import Entry, Notification, Row
from recwatch_bridge.messages.renderer import Renderer
from recwatch_bridge.metrics import BridgeMetrics

ENTRY = Entry(
    "DriftDetected (warning, firing)",
    ("a < b & c",),
    (("Value", "3.2"),),
    (("Runbook", 'https://example.com/?a=1&b="'),),
    (Row("check=a", (("Since", "noon"),)),),
)
SAID = Notification("[WARNING] Drift", "warning", (ENTRY,), ("1 more.",))
PNG = b"\x89PNG\r\n"


@dataclass
class OnePicture:
    """The same picture for every message."""

    asked: int = 0

    def of(self, _message: Message) -> bytes | None:
        self.asked += 1
        return PNG


def parts(renderer: Renderer, row: Message) -> tuple[EmailMessage, str, str]:
    email = renderer.email(row, sender="alerts@example.com", to=["a@example.com"])
    plain, html = email.get_body(("plain",)), email.get_body(("html", "related"))
    assert isinstance(plain, EmailMessage)
    assert isinstance(html, EmailMessage)
    if html.is_multipart():
        [html, _] = html.iter_parts()
    return email, plain.get_content().replace("\r\n", "\n"), html.get_content()


def test_text_and_html(message: Any) -> None:
    email, plain, html = parts(Renderer(), message(SAID))
    assert email["Subject"] == "[WARNING] Drift"
    assert plain == (
        "DriftDetected (warning, firing)\na < b & c\n- check=a; since noon\nValue: 3.2\n"
        'Runbook: https://example.com/?a=1&b="\n\n1 more.\n'
    )
    assert "a &lt; b &amp; c" in html
    assert 'href="https://example.com/?a=1&amp;b=&#34;"' in html
    assert "<img" not in html


def test_links_to_the_page(message: Any) -> None:
    renderer = Renderer(external_url="https://bridge.example")
    _, plain, html = parts(renderer, message(SAID))
    assert plain.endswith("\n\nMessages and retrainings: https://bridge.example/\n")
    assert '<a class="link" href="https://bridge.example/"' in html
    slack = renderer.slack(message(SAID))["blocks"][-1]["elements"][0]["text"]
    assert slack == "<https://bridge.example/|Messages and retrainings>"


def test_the_picture_is_in_the_email_and_a_link_in_slack(message: Any) -> None:
    renderer = Renderer(external_url="https://bridge.example", pictures=OnePicture())
    email, _, html = parts(renderer, message(SAID))
    assert 'src="cid:u1.picture@recwatch"' in html
    [picture] = [part for part in email.walk() if part.get_content_type() == "image/png"]
    assert picture.get_payload(decode=True) == PNG
    slack = str(renderer.slack(message(SAID)))
    assert "<https://bridge.example/pictures/u1.png|Picture of the metric>" in slack
    assert "'image" not in slack


def test_nothing_in_an_email_is_loaded_from_elsewhere(message: Any) -> None:
    _, _, html = parts(Renderer(external_url="https://b.example", pictures=OnePicture()), message(SAID))
    assert html.count("src=") == html.count('src="cid:')
    assert "url(" not in html
    assert "<link" not in html
    assert "<script" not in html


def test_without_a_page_slack_has_no_use_for_a_picture(message: Any) -> None:
    pictures = OnePicture()
    Renderer(pictures=pictures).slack(message(SAID))
    assert pictures.asked == 0


def test_templates_of_ones_own(message: Any, tmp_path: Path) -> None:
    (tmp_path / "subject.txt").write_text("[prod]\n{{ subject }}\n", encoding="utf-8")
    (tmp_path / "slack.txt").write_text(
        "{{ tone }}: {{ entry.title }} {{ entry.paragraphs[0] }}", encoding="utf-8"
    )
    renderer = Renderer(templates_dir=tmp_path)
    email, _, _ = parts(renderer, message(SAID))
    assert email["Subject"] == "[prod] [WARNING] Drift"
    slack = renderer.slack(message(SAID))
    assert slack["blocks"][0]["text"]["text"] == ":warning: [prod] [WARNING] Drift"
    assert slack["blocks"][1]["text"]["text"] == ("warning: DriftDetected (warning, firing) a &lt; b &amp; c")


@pytest.mark.parametrize("broken", ["{{ nothing }}", ""])
def test_a_broken_subject_is_the_usual_one(
    message: Any, tmp_path: Path, metrics: BridgeMetrics, broken: str
) -> None:
    (tmp_path / "subject.txt").write_text(broken, encoding="utf-8")
    renderer = Renderer(templates_dir=tmp_path, metrics=metrics)
    email, _, _ = parts(renderer, message(SAID))
    assert email["Subject"] == "[WARNING] Drift"
    counted = metrics.registry.get_sample_value("bridge_template_errors_total")
    assert counted == (1 if broken else 0)


@pytest.mark.parametrize(
    "said",
    ["{{7*7}}", "{% for x in range(9) %}{{ x }}{% endfor %}", "{{ config.__class__ }}", "<script>x</script>"],
)
def test_what_an_alert_says_stays_as_it_is(webhook: Any, alert: Any, message: Any, said: str) -> None:
    group = webhook(
        alert(said, labels={"check": said}, annotations={"summary": said, "description": said, "value": said})
    )
    row = message(compose(group, group.alerts, now=0.0))
    email, plain, html = parts(Renderer(), row)
    assert said in email["Subject"]
    assert plain.count(said) == 5
    shown = said.replace("<", "&lt;").replace(">", "&gt;")
    assert html.count(shown) == 7
    assert str(Renderer().slack(row)).count(shown) >= 6
