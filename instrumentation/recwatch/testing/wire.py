"""A stretch of network that misbehaves on request, between a client and a real server."""

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from recwatch.testing.mailbox import LoopThread, stop_listening

__all__ = ["Wire"]

_CHUNK = 65_536
_PIECE_SECONDS = 0.05
_ENDLESS = float("inf")
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class _Trouble:
    kind: Literal["none", "refuse", "hang", "slow", "drop", "answer"] = "none"
    rate: float = 0.0
    after: int = 0
    side: Literal["client", "server"] = "client"
    answer: bytes = b""


class Wire:
    """Passes TCP connections on to a server, until it is told to be in the way.

        with MailServer() as mail, Wire(mail.host, mail.port) as wire:
            wire.hang()
            send_to(wire.host, wire.port)  # times out
            wire.behave()

    A change cuts the connections that there are; the port stays the same.

    Args:
        host: the server's address.
        port: the server's port.

    Raises:
        OSError: on entering, when no port is free.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self._target = (host, port)
        self._trouble = _Trouble()
        self._thread: LoopThread | None = None
        self._server: asyncio.Server | None = None
        self._closed_port: socket.socket | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._connections)

    def behave(self) -> None:
        """Pass everything on."""
        self._become(_Trouble())

    def refuse(self) -> None:
        """Refuse connections, as if no server were there."""
        self._become(_Trouble("refuse"))

    def hang(self) -> None:
        """Take connections, and then say nothing."""
        self._become(_Trouble("hang"))

    def slow(self, bytes_per_second: float) -> None:
        """Pass on what the server says in small pieces, byte by byte below some twenty bytes a second."""
        self._become(_Trouble("slow", rate=bytes_per_second))

    def drop(self, after: int = 0, *, side: Literal["client", "server"] = "client") -> None:
        """Cut each connection once one side has said so many bytes; they still arrive."""
        self._become(_Trouble("drop", after=after, side=side))

    def answer(self, data: bytes) -> None:
        """Answer each connection with these bytes, whatever is said, and close it."""
        self._become(_Trouble("answer", answer=data))

    def lead_to(self, host: str, port: int) -> None:
        """Pass everything on, to another server from now on."""
        self._target = (host, port)
        self.behave()

    def __enter__(self) -> Self:
        self._thread = LoopThread("recwatch-wire")
        self._thread.call(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._thread.call(self._close())
            self._thread.stop()

    def _become(self, trouble: _Trouble) -> None:
        if self._thread is not None:
            self._thread.call(self._change(trouble))

    async def _change(self, trouble: _Trouble) -> None:
        self._trouble = trouble
        if trouble.kind == "refuse":
            await self._close()
            # Bound, but not listening: the port is still ours.
            self._closed_port = socket.socket()
            self._closed_port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._closed_port.bind((self.host, self.port))
            return
        await self._cut()
        if self._closed_port is not None:
            self._closed_port.close()
            self._closed_port = None
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            await stop_listening(self._server)
            self._server = None
        if self._closed_port is not None:
            self._closed_port.close()
            self._closed_port = None
        await self._cut()

    async def _cut(self) -> None:
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._get_in_the_way(reader, writer))
        self._connections.add(task)
        # A cancelled one, and a loop that stops, is no error of the server, which asyncio would report.
        with suppress(asyncio.CancelledError):
            await asyncio.wait([task])
        self._connections.discard(task)
        _reset(writer)

    async def _get_in_the_way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        trouble = self._trouble
        # Either side may go away at any moment.
        with suppress(OSError):
            match trouble.kind:
                case "hang":
                    await asyncio.Event().wait()
                case "answer":
                    writer.write(trouble.answer)
                    writer.write_eof()
                    while await reader.read(_CHUNK):
                        pass
                case _:
                    await self._pass_on(reader, writer, trouble)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, trouble: _Trouble
    ) -> None:
        from_server, to_server = await asyncio.open_connection(*self._target)
        limits = {"client": _ENDLESS, "server": _ENDLESS}
        if trouble.kind == "drop":
            limits[trouble.side] = trouble.after
        ways = (
            asyncio.ensure_future(_copy(reader, to_server, limits["client"])),
            asyncio.ensure_future(_copy(from_server, writer, limits["server"], trouble.rate)),
        )
        try:
            # A side that has said everything may still be answered.
            await asyncio.gather(*ways)
        except _LimitReached:
            pass
        finally:
            # First, since what waits may be cut.
            to_server.close()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)


class _LimitReached(Exception):  # noqa: N818 - it is none
    """One side has said what it may."""


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: float, rate: float = 0.0
) -> None:
    left = limit
    while left > 0:
        data = await reader.read(int(min(left, _piece(rate))))
        if not data:
            with suppress(OSError):
                writer.write_eof()
            return
        writer.write(data)
        await writer.drain()
        left -= len(data)
        if rate:
            await asyncio.sleep(len(data) / rate)
    raise _LimitReached


def _piece(rate: float) -> int:
    return max(1, int(rate * _PIECE_SECONDS)) if rate else _CHUNK


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None and writer.transport is not None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        writer.transport.abort()
