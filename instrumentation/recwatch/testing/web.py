"""An ASGI application served by uvicorn in a thread."""

import socket

import uvicorn
from starlette.types import ASGIApp

from recwatch.testing.certificate import Certificate
from recwatch.testing.mailbox import LoopThread

__all__ = ["WebThread"]


class WebThread:
    """Serves an application on a socket that listens already, so that no request comes too early.

    Args:
        app: the application; its lifespan is not run.
        listener: a listening socket; closed on `stop`.
        name: the thread's name.
        certificate: the server's, for HTTPS.
    """

    def __init__(
        self, app: ASGIApp, listener: socket.socket, name: str, *, certificate: Certificate | None = None
    ) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            log_level="warning",
            ws="none",
            ssl_certfile=None if certificate is None else certificate.file,
            ssl_keyfile=None if certificate is None else certificate.key,
        )
        self._server = uvicorn.Server(config)
        self._listener = listener
        self._thread = LoopThread(name)
        self._serving = self._thread.submit(self._server.serve(sockets=[listener]))

    def stop(self) -> None:
        """Finish the requests under way and close the socket."""
        self._server.should_exit = True
        self._serving.result(timeout=10.0)
        self._thread.stop()
        self._listener.close()
