import pytest

from recwatch.redaction import mask_passwords


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://anna:secret@host:5432/runs", "postgresql://anna:***@host:5432/runs"),
        ("redis://:secret@host", "redis://:***@host"),
        ("'x://a:sec:r/e@t@host' is refused", "'x://a:***@host' is refused"),
        ("x://a:secret@h and y://b:secret@i", "x://a:***@h and y://b:***@i"),
        ("http://127.0.0.1:9091/metrics", "http://127.0.0.1:9091/metrics"),
        ("anna@example.com", "anna@example.com"),
        ("sqlite:////var/lib/store.db", "sqlite:////var/lib/store.db"),
    ],
)
def test_the_password_of_a_url_is_masked(text: str, masked: str) -> None:
    assert mask_passwords(text) == masked
