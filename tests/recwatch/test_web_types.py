import io
from wsgiref.util import FileWrapper

from recwatch.request_id import WsgiRequestIdMiddleware
from recwatch.web_types import is_whole


def test_lists_and_files_are_whole_and_streams_are_not() -> None:
    file = FileWrapper(io.BytesIO())
    assert is_whole([b"all"], {})
    assert is_whole((), {})
    assert is_whole(file, {"wsgi.file_wrapper": FileWrapper})
    assert not is_whole(file, {})
    assert not is_whole(iter([b"part"]), {"wsgi.file_wrapper": FileWrapper})


def test_a_server_may_wrap_files_by_a_function() -> None:
    environ = {"wsgi.file_wrapper": lambda file, _size: file}
    assert not is_whole(iter([b"part"]), environ)
    app = WsgiRequestIdMiddleware(lambda _environ, start: (start("200 OK", []), iter([b"part"]))[1])
    assert list(app(environ, lambda *_: None)) == [b"part"]
