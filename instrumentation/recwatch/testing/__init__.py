"""What a bridge talks to, as fakes that run anywhere: an SMTP server, a Slack webhook, a Prometheus.

Needs the extra `testing`. `python -m recwatch.testing.inbox` runs the first two with a page that shows what
arrives. A `Wire` before any of them is a network that misbehaves. `github`, `airflow`
and `plain` are ends of the bridge's launchers.
"""

from recwatch.extras import lacking

try:
    from recwatch.testing.mail import MailServer
    from recwatch.testing.prometheus import PrometheusServer
    from recwatch.testing.slack import SlackServer
except ModuleNotFoundError as error:
    raise lacking(error, "recwatch[testing]") from error
from recwatch.testing.certificate import Certificate, make_certificate
from recwatch.testing.waiting import free_port, wait_until
from recwatch.testing.wire import Wire

__all__ = [
    "Certificate",
    "MailServer",
    "PrometheusServer",
    "SlackServer",
    "Wire",
    "free_port",
    "make_certificate",
    "wait_until",
]
