"""Write what waits when an ASGI server ends, for applications that have no lifespan, such as Django's.

application = FlushOnShutdown(get_asgi_application())       # in asgi.py

An application with a lifespan needs `recwatch.asgi.MetricsMiddleware` alone.
"""

import asyncio

from recwatch.lifetime import flush_all
from recwatch.web_types import ASGIApp, Receive, Scope, Send

__all__ = ["FlushOnShutdown"]


class FlushOnShutdown:
    """Answers the server's lifespan in the application's place; everything else goes through.

    Args:
        app: an application without a lifespan of its own, which would not be called for it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or the lifespan."""
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        # In a thread: what is written may wait for a disk, and the server's loop is not ours.
        await asyncio.to_thread(flush_all)
        await send({"type": "lifespan.shutdown.complete"})
