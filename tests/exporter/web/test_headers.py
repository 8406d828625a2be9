import pytest
import requests

from recwatch_exporter.web.layout import content_security_policy

PAGES = ("/", "/checks/drifted", "/nothing")
OTHERS = ("/metrics", "/api/v1/checks", "/-/healthy", "/favicon.svg", "/api/nothing")


@pytest.mark.parametrize("path", [*PAGES, *OTHERS])
def test_every_answer_has_the_headers(path: str, site: str) -> None:
    headers = requests.get(f"{site}{path}", timeout=10).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    expected = content_security_policy() if path in PAGES else "default-src 'none'; frame-ancestors 'none'"
    assert headers["content-security-policy"] == expected
