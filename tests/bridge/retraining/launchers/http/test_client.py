import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest
from starlette.requests import Request as Incoming
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from recwatch.testing import free_port
from recwatch.testing.faults import Fault, FaultyServer
from recwatch_bridge.retraining.launchers.http import client as module
from recwatch_bridge.retraining.launchers.http.client import Client, NoAnswerError, NotSentError
from recwatch_bridge.retraining.launchers.http.exchange import Request


class Echo(FaultyServer):
    def _routes(self) -> Sequence[Route]:
        return [
            Route("/headers", self._headers),
            Route("/away", self._away),
            Route("/file", self._file),
            Route("/endless", self._endless),
        ]

    async def _headers(self, request: Incoming) -> Response:
        return JSONResponse(dict(request.headers))

    async def _away(self, request: Incoming) -> Response:
        return RedirectResponse(request.query_params.get("to", "/headers"), 302)

    async def _file(self, _: Incoming) -> Response:
        return RedirectResponse("/away", 302)

    async def _endless(self, _: Incoming) -> Response:
        async def zeros() -> AsyncIterator[bytes]:
            while True:  # until the client has gone: the response ends it then
                await asyncio.sleep(0)
                yield b"0" * 65_536

        return StreamingResponse(zeros())


@pytest.fixture
def server() -> Iterator[Echo]:
    with Echo() as opened:
        yield opened


def test_the_token_goes_to_the_api_and_not_with_a_redirect(server: Echo) -> None:
    client = Client()
    asked = Request("GET", f"{server.url}/headers", authorization="Bearer word")
    assert client.send(asked).mapping()["authorization"] == "Bearer word"
    assert client.send(Request("GET", f"{server.url}/away", authorization="Bearer word")).status == 302
    download = Request("GET", f"{server.url}/away", authorization="Bearer word", download=True)
    assert "authorization" not in client.send(download).mapping()
    assert "word" not in repr(asked)


def test_one_redirect_of_a_download_and_no_other_scheme(server: Echo) -> None:
    client = Client()
    assert client.send(Request("GET", f"{server.url}/file", download=True)).status == 302
    with pytest.raises(NoAnswerError, match="no answer that can be read"):
        client.send(Request("GET", f"{server.url}/away", query={"to": "http://["}, download=True))
    with pytest.raises(NoAnswerError, match="not https"):
        client.send(Request("GET", f"{server.url}/away", query={"to": "file:///etc/passwd"}, download=True))


def test_what_never_left_is_told_from_what_got_no_answer(server: Echo) -> None:
    client = Client(timeout=0.3)
    secret = "user:word"
    with pytest.raises(NotSentError) as caught:
        client.send(Request("POST", f"http://{secret}@127.0.0.1:{free_port()}/"))
    assert "word" not in str(caught.value)
    with pytest.raises(NotSentError):
        client.send(Request("POST", "http://no-such-host.invalid/"))
    for fault in (Fault(None), Fault(200, delay=1.0)):
        server.misbehave(fault)
        with pytest.raises(NoAnswerError) as unanswered:
            client.send(Request("GET", f"{server.url}/headers"))
        assert not isinstance(unanswered.value, NotSentError)


def test_answers_are_bounded_in_size_and_time(server: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoAnswerError, match="its answer is larger than 8388608 bytes"):
        Client().send(Request("GET", f"{server.url}/endless"))
    monkeypatch.setattr(module, "_MAX_ANSWER", 10**12)
    with pytest.raises(NoAnswerError, match=r"its answer took longer than 0.2 s"):
        Client(deadline=0.2).send(Request("GET", f"{server.url}/endless"))
