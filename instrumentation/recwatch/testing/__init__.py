"""The two ends that alerts go to, as fakes that run anywhere: an SMTP server and a Slack webhook.

Needs the extra `testing`. `python -m recwatch.testing.inbox` runs both with a page that shows what arrives.
"""

from recwatch.extras import lacking

try:
    from recwatch.testing.mail import MailServer
    from recwatch.testing.slack import SlackServer
except ModuleNotFoundError as error:
    raise lacking(error, "recwatch[testing]") from error
from recwatch.testing.waiting import free_port, wait_until

__all__ = ["MailServer", "SlackServer", "free_port", "wait_until"]
