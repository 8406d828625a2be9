import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from recwatch_exporter.process.kept import read_kept, write_kept
from recwatch_exporter.process.state import Kept, Point
from recwatch_exporter.process.storage import Storage
from recwatch_exporter.results import CheckResult, Finding

POINT = Point(9.0, 0.2, 0.2, None, detected=True)


def kept(*, at: float = 9.0, points: int = 1, **details: Any) -> Kept:
    finding = Finding(
        type="ks",
        feature="räting\n",
        segment="de",
        statistic=0.1 + 0.2,
        p_value=None,
        effect_size=1e-300,
        threshold=0.1,
        detected=True,
        n_current=70,
        details={"worst": [{"id": 1, "cosine": 0.5}], **details},
    )
    result = CheckResult(
        findings=(finding,),
        rows={"current": 70},
        newest={"current": datetime(2003, 5, 1, tzinfo=UTC)},
        enough_rows=True,
        drifted_share=0.5,
        failure=("source", "price: not there"),
    )
    history = tuple(replace(POINT, at=at + number) for number in range(points))
    return Kept(
        type="ks",
        made_with="abc",
        result=result,
        success=False,
        error="price: not there",
        last_success=at,
        last_result=at,
        duration=0.5,
        history={("räting\n", "de"): history},
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "drift.sqlite3"


@pytest.fixture
def storage(path: Path) -> Iterator[Callable[[], Storage]]:
    """Open the file anew, as after a restart."""
    opened: list[Storage] = []

    def reopen() -> Storage:
        for before in opened:
            before.close()
        opened.append(Storage(path, clock=lambda: datetime(2026, 1, 2, tzinfo=UTC)))
        return opened[-1]

    yield reopen
    for last in opened:
        last.close()


def test_what_is_saved_is_there_again(storage: Callable[[], Storage]) -> None:
    storage().save("check", kept(points=3))

    assert storage().load() == {"check": kept(points=3)}


def test_nothing_is_there_at_first(storage: Callable[[], Storage], path: Path) -> None:
    first = storage()

    assert first.load() == {}
    assert first.failures == {"load": 0, "save": 0}
    assert not path.exists()


def test_a_history_grows_and_its_oldest_points_go(storage: Callable[[], Storage]) -> None:
    first = storage()
    first.save("check", kept(points=3))
    later = replace(
        kept(), history={("räting\n", "de"): tuple(replace(POINT, at=at) for at in (10.0, 11, 12))}
    )
    first.save("check", later)
    first.save("other", kept())

    found = storage().load()

    assert [point.at for point in found["check"].history["räting\n", "de"]] == [10, 11, 12]
    assert set(found) == {"check", "other"}


def test_findings_that_are_gone_take_their_history_with_them(storage: Callable[[], Storage]) -> None:
    first = storage()
    first.save("check", kept())
    first.save("check", replace(kept(), history={("price", "all"): (POINT,)}))

    assert set(storage().load()["check"].history) == {("price", "all")}


def test_checks_that_are_gone_are_forgotten(storage: Callable[[], Storage]) -> None:
    first = storage()
    first.save("a", kept())
    first.save("b", kept())
    first.forget_others(["a"])

    assert set(storage().load()) == {"a"}


def test_a_foreign_file_is_set_aside(
    storage: Callable[[], Storage], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = b"no database at all, but long enough to be one" * 50
    path.parent.mkdir()
    path.write_bytes(content)
    first = storage()

    assert first.load() == {}
    assert first.failures["load"] == 1
    assert path.with_name("drift.sqlite3.20260102T000000.unusable").read_bytes() == content
    assert "State file set aside" in caplog.text
    first.save("check", kept())
    assert set(storage().load()) == {"check"}


@pytest.mark.parametrize(
    "statement",
    ["PRAGMA user_version = 99", "PRAGMA application_id = 1", "DROP TABLE points"],
)
def test_another_version_is_set_aside(storage: Callable[[], Storage], path: Path, statement: str) -> None:
    first = storage()
    first.save("check", kept())
    first.close()
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()

    second = storage()

    assert second.load() == {}
    assert second.failures["load"] == 1
    second.save("check", kept())
    assert set(storage().load()) == {"check"}


@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_damaged_file_never_stops_anything(storage: Callable[[], Storage], path: Path, part: float) -> None:
    first = storage()
    for number in range(50):
        first.save(f"check_{number}", kept(points=20, more="x" * 500))
    first.close()
    content = bytearray(path.read_bytes())
    start = int(len(content) * part)
    content[start : start + 5000] = b"\xa5" * 5000
    path.write_bytes(content)

    second = storage()
    second.load()
    second.save("check", kept())
    second.save("check", kept())

    assert "check" in storage().load()


def test_a_truncated_file(storage: Callable[[], Storage], path: Path) -> None:
    first = storage()
    first.save("check", kept(points=100))
    first.close()
    path.write_bytes(path.read_bytes()[:5000])

    second = storage()

    assert second.load() == {}
    assert second.failures["load"] == 1
    second.save("check", kept())
    assert set(storage().load()) == {"check"}


@pytest.mark.parametrize("said", ["no JSON", "[]", "{}", '{"type": 1}'])
def test_one_entry_that_cannot_be_read_costs_itself_alone(
    storage: Callable[[], Storage], path: Path, said: str
) -> None:
    first = storage()
    first.save("good", kept())
    first.save("bad", kept())
    first.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE checks SET said = ? WHERE name = 'bad'", (said,))
    connection.close()

    second = storage()

    assert set(second.load()) == {"good"}
    assert second.failures["load"] == 1


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file of this process may grow beyond a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 100, 30_000])
def test_a_full_disk_is_told_and_made_up_for(
    storage: Callable[[], Storage], room: int, caplog: pytest.LogCaptureFixture
) -> None:
    first = storage()
    first.save("before", kept())
    with full_disk(room):
        first.save("meanwhile", kept(more="x" * 50_000))
    assert first.failures["save"] == 1
    assert "State file: save failed" in caplog.text

    first.save("after", kept())

    assert set(storage().load()) == {"before", "meanwhile", "after"}


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    storage = Storage(tmp_path / "file" / "drift.sqlite3")

    assert storage.load() == {}
    storage.save("check", kept())
    storage.forget_others([])

    assert storage.failures["save"] == 1


def test_a_folder_that_cannot_be_looked_into(tmp_path: Path) -> None:
    """Such as that of another user; a name that is too long fails alike, and for root as well."""
    storage = Storage(tmp_path / ("x" * 300) / "drift.sqlite3")

    assert storage.load() == {}
    storage.save("check", kept())
    storage.forget_others([])
    storage.close()

    assert storage.failures == {"load": 1, "save": 2}


def test_two_exporters_do_not_share_a_file(storage: Callable[[], Storage], path: Path) -> None:
    first = storage()
    first.save("check", kept())
    second = Storage(path)

    assert second.load() == {}
    second.save("other", kept())
    assert second.failures == {"load": 1, "save": 1}
    first.save("later", kept())
    assert first.failures == {"load": 0, "save": 0}
    assert set(storage().load()) == {"check", "later"}


def test_what_cannot_be_written_does_not_hold_up_the_others(storage: Callable[[], Storage]) -> None:
    first = storage()
    first.save("bad", replace(kept(), history={("\ud800", "all"): (POINT,)}))
    first.save("good", kept())

    assert first.failures["save"] == 1
    assert set(storage().load()) == {"good"}


def test_what_was_never_said_can_be_kept() -> None:
    empty = replace(kept(), result=None, success=None, error=None, duration=None, history={})

    assert read_kept(write_kept(empty), {}) == empty
