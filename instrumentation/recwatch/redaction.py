"""Keep secrets out of what people read: error messages, log lines."""

import re

__all__ = ["mask_passwords"]

# Up to the last @ before a blank: a password that was not quoted as a URL asks may hold /, : and @.
_PASSWORD = re.compile(r"(?<=//)(?P<user>[^\s:/@]*):\S*@")


def mask_passwords(text: str) -> str:
    """Replace the password of every URL in a text: `//user:secret@host` becomes `//user:***@host`.

    Mask before a text is cut to length: without its @, a password is not known as one.
    """
    return _PASSWORD.sub(r"\g<user>:***@", text)
