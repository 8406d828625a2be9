"""What the two fake ends share: a list of what arrived, orders to misbehave, a server in a thread."""

import asyncio
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

__all__ = ["LoopThread", "Mailbox", "Orders", "Receiver", "stop_listening"]

Message = TypeVar("Message")
Order = TypeVar("Order")


class Mailbox(Generic[Message]):
    """A list that threads add to and tests wait on."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._changed = threading.Condition()

    def add(self, message: Message) -> None:
        """Append a message and wake whoever waits."""
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()

    def all(self) -> list[Message]:
        """A copy, oldest first."""
        with self._changed:
            return list(self._messages)

    def clear(self) -> None:
        """Forget every message."""
        with self._changed:
            self._messages.clear()

    def wait_for(self, predicate: Callable[[Message], bool], timeout: float) -> Message:
        """The first message for which the predicate holds, now or later.

        Raises:
            TimeoutError: when none came in time; says how many others did.
        """
        end = time.monotonic() + timeout
        with self._changed:
            while True:
                for message in self._messages:
                    if predicate(message):
                        return message
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError(
                        f"no such message within {timeout} s; {len(self._messages)} others arrived"
                    )
                self._changed.wait(left)


class Orders(Generic[Order]):
    """Orders to misbehave, each for one coming message, first in, first out."""

    def __init__(self) -> None:
        self._orders: deque[Order] = deque()

    def add(self, order: Order, times: int) -> None:
        """Give the same order for the next `times` messages."""
        self._orders.extend([order] * times)

    def clear(self) -> None:
        """Forget the orders that are left."""
        self._orders.clear()

    def take(self) -> Order | None:
        """The order for this message; None means: behave."""
        try:
            return self._orders.popleft()
        except IndexError:
            return None


class Receiver(Generic[Message, Order]):
    """What the receiving ends share: an address, what arrived there, and orders to misbehave.

    Args:
        host: the address to listen on.
        port: 0 takes a free one; `port` then says which.
        on_message: called with each accepted message, in the server's thread.
    """

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, on_message: Callable[[Message], None] | None = None
    ) -> None:
        self.host = host
        self.port = port
        self._on_message = on_message
        self._mailbox: Mailbox[Message] = Mailbox()
        self._orders: Orders[Order] = Orders()

    @property
    def messages(self) -> list[Message]:
        """Every accepted message, oldest first."""
        return self._mailbox.all()

    def wait_for(self, predicate: Callable[[Message], bool], timeout: float = 10.0) -> Message:
        """The first message for which the predicate holds, now or within `timeout` seconds.

        Raises:
            TimeoutError: when none came.
        """
        return self._mailbox.wait_for(predicate, timeout)

    def clear(self) -> None:
        """Forget every message."""
        self._mailbox.clear()

    def behave(self) -> None:
        """Forget the orders to misbehave."""
        self._orders.clear()

    def _listen(self) -> socket.socket:
        listener = socket.create_server((self.host, self.port))
        # asyncio sees to it only for sockets that it made; without it an answer in parts takes 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = listener.getsockname()[1]
        return listener

    def _accept(self, message: Message) -> None:
        self._mailbox.add(message)
        if self._on_message is not None:
            self._on_message(message)


class LoopThread:
    """An asyncio event loop in a thread of its own."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, coroutine: Coroutine[Any, Any, Message]) -> Future[Message]:
        """Run a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def call(self, coroutine: Coroutine[Any, Any, Message], timeout: float = 10.0) -> Message:
        """Run a coroutine on the loop and return its result."""
        return self.submit(coroutine).result(timeout)

    def stop(self) -> None:
        """Cancel what still runs, close the loop, end the thread."""
        self.call(_cancel_others())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()


async def stop_listening(server: asyncio.Server) -> None:
    """Close a server, and lose no connection that it was just accepting.

    asyncio's own `close` leaves such a socket open: its transport finds the server closed and gives up.
    """
    for listener in server.sockets:
        asyncio.get_running_loop().remove_reader(listener.fileno())
    await asyncio.sleep(0)
    server.close()


async def _cancel_others() -> None:
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        # One that is cancelled before its first step cannot clean up.
        await asyncio.sleep(0)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
    # What was closed last lets go of its socket in the loop's next turn.
    await asyncio.sleep(0)
