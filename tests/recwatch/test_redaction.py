import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recwatch.redaction import mask_passwords, mask_secrets

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


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://h/db?user=u&password=s3cret", "postgresql://h/db?user=u&password=***"),
        ("x://h/db?sslpassword=s3%2Fcret&sslmode=require", "x://h/db?sslpassword=***&sslmode=require"),
        ("x://h/?Access_Token=s3cret#part", "x://h/?Access_Token=***#part"),
        (
            "x://h/?fs.s3a.secret.key=s3cret&aws_access_key=k3y",
            "x://h/?fs.s3a.secret.key=***&aws_access_key=***",
        ),
        ("x://a:one@h/?password=two", "x://a:***@h/?password=***"),
        ("host=h password=s3cret dbname=d", "host=h password=*** dbname=d"),
        ("host=h password = 'two words' dbname=d", "host=h password = *** dbname=d"),
        ("tokens=512 secretary=anna", "tokens=512 secretary=anna"),
        ("x://h/?password=", "x://h/?password="),
    ],
)
def test_a_parameter_that_is_a_secret_is_masked(text: str, masked: str) -> None:
    assert mask_passwords(text) == masked


@pytest.mark.parametrize(
    ("message", "url", "masked"),
    [
        (
            'invalid percent-encoded token: "s3cr%zzet"',
            "postgresql://u:s3cr%zzet@host/db",
            'invalid percent-encoded token: "***"',
        ),
        ("no user with s3/cret", "postgresql://u:s3%2Fcret@host/db", "no user with ***"),
        ('port "s3cr" is no number', "postgresql://u:s3cr/abc@host/db", 'port "***" is no number'),
        ("refused: p w", "x://host/db?password=p+w", "refused: ***"),
        ("refused: t0ken and word", "x://u:word@host/?token=t0ken", "refused: *** and ***"),
        ("host is away", "x://u:ho@host/db", "host is away"),
        ("no such file: store.db", "sqlite:///store.db", "no such file: store.db"),
    ],
)
def test_the_secrets_of_a_url_are_masked_where_a_driver_repeats_them(
    message: str, url: str, masked: str
) -> None:
    assert mask_secrets(message, url) == masked


@settings(max_examples=1000)
@given(st.text(st.sampled_from("//::@@ab \n\u2003é"), max_size=30) | st.text(max_size=30))
def test_it_masks_what_the_pattern_masks(text: str) -> None:
    assert mask_passwords(text) == SLOW.sub(r"\g<user>:***@", text)


@pytest.mark.parametrize(
    "part", ["//:", "//", "/", ":", "//a", "//a:b", "a:", "@", "//@", "//:@ ", "token=", "password='"]
)
@pytest.mark.parametrize("around", ["{}", "@{}", "{} @", "@ {}", "{}@", "//{}", "@//{}"])
def test_the_worst_text_of_two_megabytes_ends(part: str, around: str) -> None:
    # The pattern above takes 25 minutes for the worst of them: the timeout of a test would end it.
    text = around.format(part * (2_000_000 // len(part)))
    assert len(mask_passwords(text)) <= len(text) * 2
