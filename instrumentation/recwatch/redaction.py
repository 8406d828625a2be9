"""Keep secrets out of what people read: error messages, log lines."""

import re

__all__ = ["mask_passwords"]

_WORD = re.compile(r"\S+")
# Neither part can begin inside another match of its own, so a search takes one pass over a word.
_USER = re.compile(r"//[^\s:/@]*:")


def mask_passwords(text: str) -> str:
    """Replace the password of every URL in a text: `//user:secret@host` becomes `//user:***@host`.

    A password goes up to the last @ before a blank: one not quoted as a URL asks may hold /, : and @.
    The time taken is proportional to the text's length, whatever is in it: others send what is masked here.

    Mask before a text is cut to length: without its @, a password is not known as one.
    """
    return _WORD.sub(_mask_word, text) if "@" in text else text


def _mask_word(found: re.Match[str]) -> str:
    word = found[0]
    end = word.rfind("@")
    user = _USER.search(word, 0, max(end, 0))
    return word if user is None else f"{word[: user.end()]}***{word[end:]}"
