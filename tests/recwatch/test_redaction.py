import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recwatch.redaction import mask_passwords

# What it means, in one pattern, which takes time by the square of the text's length.
SLOW = re.compile(r"(?<=//)(?P<user>[^\s:/@]*):\S*@")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://anna:secret@host:5432/runs", "postgresql://anna:***@host:5432/runs"),
        ("redis://:secret@host", "redis://:***@host"),
        ("'x://a:sec:r/e@t@host' is refused", "'x://a:***@host' is refused"),
        ("x://a:secret@h and y://b:secret@i", "x://a:***@h and y://b:***@i"),
        ("http://127.0.0.1:9091/metrics", "http://127.0.0.1:9091/metrics"),
        ("anna@example.com", "anna@example.com"),
        ("anna@example.com://h:80", "anna@example.com://h:80"),
        ("sqlite:////var/lib/store.db", "sqlite:////var/lib/store.db"),
    ],
)
def test_the_password_of_a_url_is_masked(text: str, masked: str) -> None:
    assert mask_passwords(text) == masked


@settings(max_examples=1000, deadline=None)
@given(st.text(st.sampled_from("//::@@ab \n\u2003é"), max_size=30) | st.text(max_size=30))
def test_it_masks_what_the_pattern_masks(text: str) -> None:
    assert mask_passwords(text) == SLOW.sub(r"\g<user>:***@", text)


@pytest.mark.parametrize("part", ["//:", "//", "/", ":", "//a", "//a:b", "a:", "@", "//@", "//:@ "])
@pytest.mark.parametrize("around", ["{}", "@{}", "{} @", "@ {}", "{}@", "//{}", "@//{}"])
def test_the_worst_text_of_two_megabytes_ends(part: str, around: str) -> None:
    # The pattern above takes 25 minutes for the worst of them: the timeout of a test would end it.
    text = around.format(part * (2_000_000 // len(part)))
    assert len(mask_passwords(text)) <= len(text) * 2
