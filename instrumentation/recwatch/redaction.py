"""Keep secrets out of what people read: error messages, log lines."""

import re
from urllib.parse import unquote, unquote_plus

__all__ = ["mask_passwords", "mask_secrets"]

_WORD = re.compile(r"\S+")
# Neither part can begin inside another match of its own, so a search takes one pass over a word.
_USER = re.compile(r"//[^\s:/@]*:")
# Whatever ends like one of these is a secret's name: sslpassword, fs.s3a.secret.key, client_secret, X-Token.
_PARAMETER = re.compile(
    r"(?P<name>(?:password|passwd|passphrase|pwd|token|secret|credentials?"
    r"|(?:access|account|api|private|secret|storage)[._-]?key)\s?=\s?)"
    r"(?P<value>'[^'\n]*'|'?[^\s&#'\"]+)",
    re.IGNORECASE,
)
_SHORTEST = 3  # what is shorter stands in too many words
_PIECES = re.compile(r"[/?#@:%&=]")


def mask_passwords(text: str) -> str:
    """Replace every password of a URL, and every parameter that is named as a secret, by ***.

    `//user:secret@host` becomes `//user:***@host`, and `?password=secret` becomes `?password=***`; so do
    `sslpassword`, `token`, `access_key` and the like, also in `name=value` outside of URLs.

    A password goes up to the last @ before a blank: one not quoted as a URL asks may hold /, : and @.
    The time taken is proportional to the text's length, whatever is in it: others send what is masked here.

    Mask before a text is cut to length: without its @, a password is not known as one.
    """
    masked = _WORD.sub(_mask_word, text) if "@" in text else text
    return _PARAMETER.sub(r"\g<name>***", masked) if "=" in masked else masked


def mask_secrets(text: str, url: str) -> str:
    """Replace by *** what is secret in a URL wherever a text repeats it, as drivers do.

    The secrets are replaced as the URL writes them, as they read when decoded, and in the pieces into which a
    parser takes one apart that is not quoted: of `u:a%zb@host` it may say that `a%zb` is no number of a port.

    Args:
        text: such as a driver's message.
        url: of the database; its password and its parameters named as secrets are what is hidden.
    """
    masked = mask_passwords(text)
    for secret in sorted(_secrets(url), key=lambda item: (-len(item), item)):
        masked = masked.replace(secret, "***")
    return masked


def _mask_word(found: re.Match[str]) -> str:
    word = found[0]
    end = word.rfind("@")
    user = _USER.search(word, 0, max(end, 0))
    return word if user is None else f"{word[: user.end()]}***{word[end:]}"


def _secrets(url: str) -> set[str]:
    raw = [found["value"].strip("'") for found in _PARAMETER.finditer(url)]
    end = url.rfind("@")
    user = _USER.search(url, 0, max(end, 0))
    if user is not None:
        raw.append(url[user.end() : end])
    whole = {form for secret in raw for form in (secret, unquote(secret), unquote_plus(secret))}
    found = whole | {piece for secret in whole for piece in _PIECES.split(secret)}
    return {secret for secret in found if len(secret) >= _SHORTEST}
