"""The answer to a scrape, put together from what was written before: a check is written once a change.

With a thousand checks the whole text is 3 MB: writing it takes 0.2 s, compressing it 10 ms. So the text of
each check is kept, and that of 32 checks compressed, until one of them says something new. Deflate lets
pieces that were flushed follow one another (RFC 1951, section 2.3; RFC 1952 for the frame around them).
"""

import struct
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from recwatch.asgi import MetricsEndpoint
from recwatch.scrape import Scrape, takes_gzip
from recwatch_exporter.metrics import Families, ReloadStatus, add_check, add_exporter, families
from recwatch_exporter.process.state import CheckState, State
from recwatch_exporter.process.storage import Storage

_GROUP = 32
_MOST_FORMS = 4
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_GZIP_END = b"\x03\x00"

Encode = Callable[[Collector], bytes]
Texts = Mapping[str, bytes]
"""Lines by the name of their family."""


class Exposition:
    """Writes what `metrics.DriftCollector` collects; for any number of threads."""

    def __init__(self, state: State, reload: ReloadStatus, storage: Storage | None = None) -> None:
        self._state = state
        self._reload = reload
        self._storage = storage
        self._lock = threading.Lock()
        self._forms: OrderedDict[str, _Form] = OrderedDict()

    def write(self, accept: str = "", *, compressed: bool = False) -> tuple[bytes, str]:
        """The metrics of all checks as they are now, and the content type.

        Args:
            accept: the request's header Accept; decides between the text and the OpenMetrics format.
            compressed: whether to write gzip.
        """
        encode, content_type = choose_encoder(accept)
        with self._lock:
            form = self._forms.get(content_type)
            if form is None:
                form = self._forms[content_type] = _Form(encode)
                while len(self._forms) > _MOST_FORMS:
                    self._forms.popitem(last=False)
            self._forms.move_to_end(content_type)
            own = families()
            add_exporter(own, self._reload, self._storage)
            return form.write(self._state.all(), own, compressed=compressed), content_type


class _Form:
    """One format of the text."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        whole = _split(encode(_Collected(families())))
        self._heads = {name: head for name, (head, _) in whole.items()}
        self._names = list(whole)
        self._end = b"# EOF\n" if encode(_Collected({})).endswith(b"# EOF\n") else b""
        self._checks: dict[str, tuple[CheckState, Texts]] = {}
        self._groups: list[_Group] = []

    def write(self, states: tuple[CheckState, ...], own: Families, *, compressed: bool) -> bytes:
        texts = self._texts(states)
        self._groups = [
            _kept_or_new(self._groups[number] if number < len(self._groups) else None, group)
            for number, group in enumerate(_grouped(texts, _GROUP))
        ]
        own_lines = {name: lines for name, (_, lines) in _split(self._encode(_Collected(own))).items()}
        pieces = [piece for name in self._names for piece in self._pieces(name, own_lines)]
        pieces.append((self._end, None))
        if not compressed:
            return b"".join([text for text, _ in pieces])
        checksum = size = 0
        squeezed = [_GZIP_HEAD]
        for text, deflater in pieces:
            checksum, size = zlib.crc32(text, checksum), size + len(text)
            squeezed.append(_deflated(text) if deflater is None else deflater())
        squeezed += [_GZIP_END, struct.pack("<LL", checksum, size & 0xFFFFFFFF)]
        return b"".join(squeezed)

    def _texts(self, states: Iterable[CheckState]) -> list[Texts]:
        checks = {}
        for state in states:
            name = state.check.name
            kept = self._checks.get(name)
            checks[name] = kept if kept is not None and kept[0] is state else (state, self._written(state))
        self._checks = checks
        return [texts for _, texts in checks.values()]

    def _written(self, state: CheckState) -> Texts:
        found = families()
        add_check(found, state)
        filled = {name: family for name, family in found.items() if family.samples}
        return {name: lines for name, (_, lines) in _split(self._encode(_Collected(filled))).items()}

    def _pieces(
        self, name: str, own: Mapping[str, bytes]
    ) -> Iterator[tuple[bytes, Callable[[], bytes] | None]]:
        """The parts of a family's text, each with what compresses it where that is kept."""
        yield self._heads[name] + own.get(name, b""), None
        for group in self._groups:
            if text := group.text(name):
                yield text, group.deflater(name)


class _Group:
    """Some checks, written and compressed together."""

    def __init__(self, texts: tuple[Texts, ...]) -> None:
        self.texts = texts
        self._plain: dict[str, bytes] = {}
        self._deflated: dict[str, bytes] = {}

    def text(self, name: str) -> bytes:
        if name not in self._plain:
            self._plain[name] = b"".join(texts[name] for texts in self.texts if name in texts)
        return self._plain[name]

    def deflater(self, name: str) -> Callable[[], bytes]:
        def deflated() -> bytes:
            if name not in self._deflated:
                self._deflated[name] = _deflated(self.text(name))
            return self._deflated[name]

        return deflated


def _kept_or_new(kept: _Group | None, texts: tuple[Texts, ...]) -> _Group:
    same = (
        kept is not None
        and len(kept.texts) == len(texts)
        and all(before is now for before, now in zip(kept.texts, texts, strict=True))
    )
    return kept if kept is not None and same else _Group(texts)


def _grouped(items: Iterable[Texts], size: int) -> Iterator[tuple[Texts, ...]]:
    iterator = iter(items)
    while group := tuple(islice(iterator, size)):
        yield group


def _deflated(text: bytes) -> bytes:
    """Compressed, ending at a whole byte and leaning on nothing before it: pieces may follow each other."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(text) + compressor.flush(zlib.Z_FULL_FLUSH)


class _Collected(Collector):
    """Families that were collected before."""

    def __init__(self, found: Families) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found.values()


def _split(text: bytes) -> dict[str, tuple[bytes, bytes]]:
    """Head and lines of each family, by the name in its head."""
    heads, lines = dict[str, list[bytes]](), dict[str, list[bytes]]()
    name = ""
    for line in text.split(b"\n")[:-1]:
        if line.startswith(b"# HELP "):
            name = line.split(b" ", 3)[2].decode()
            heads[name], lines[name] = [line], []
        elif line.startswith((b"# TYPE ", b"# UNIT ")):
            heads[name].append(line)
        elif line != b"# EOF":
            lines[name].append(line)
    return {name: (_lines(heads[name]), _lines(lines[name])) for name in heads}


def _lines(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


class ScrapeEndpoint(MetricsEndpoint):
    """`/metrics` as an ASGI application.

    Args:
        exposition: what is written.
        registry: asked instead where a scraper picks names (`name[]=`), which takes longer.
    """

    def __init__(self, exposition: Exposition, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self._exposition = exposition

    def answer(self, *, accept: str, accept_encoding: str, query: str) -> Scrape:
        """What is sent: the text that is ready, but for names that are picked."""
        if "name" in query:
            return super().answer(accept=accept, accept_encoding=accept_encoding, query=query)
        compressed = takes_gzip(accept_encoding)
        body, content_type = self._exposition.write(accept, compressed=compressed)
        headers = {
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
            "Vary": "Accept, Accept-Encoding",
        }
        return Scrape(200, headers | ({"Content-Encoding": "gzip"} if compressed else {}), body)
