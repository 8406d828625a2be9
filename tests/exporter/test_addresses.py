import pytest

from recwatch_exporter.addresses import Address, parse_address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:9109", "127.0.0.1", 9109),
        (":9109", "0.0.0.0", 9109),  # noqa: S104 - parsed, not bound
        ("localhost:0", "localhost", 0),
        ("[::1]:9109", "::1", 9109),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    assert parse_address(text) == Address(host, port)


def test_an_address_reads_back() -> None:
    for text in ("127.0.0.1:9109", "[::1]:1"):
        assert str(parse_address(text)) == text


@pytest.mark.parametrize("text", ["", "9109", "127.0.0.1", "host:port", "host:65536", "a b:1", 9109, None])
def test_what_is_none(text: object) -> None:
    with pytest.raises(ValueError, match=r"^is not an address: write host:port"):
        parse_address(text)
