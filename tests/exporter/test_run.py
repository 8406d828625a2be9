import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.errors import CheckTimeoutError, SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.results import CheckResult
from recwatch_exporter.run import run_check, segment_label

START = datetime(2003, 5, 1, tzinfo=UTC)
T = TypeVar("T")
Write = Callable[..., Path]
MakeCheck = Callable[..., Check]
Days = Callable[[Sequence[float]], pa.Array]


def run(check: Check, now: datetime = START) -> CheckResult:
    return run_check(check, now=now, deadline=Deadline(timedelta(minutes=1)))


def test_two_plain_files(make_check: MakeCheck, write: Write) -> None:
    write("ref.parquet", rating=[1.0, 2.0] * 50)
    write("cur.parquet", rating=[2.0, 3.0] * 40)

    result = run(make_check())

    (finding,) = result.findings
    assert (finding.type, finding.feature, finding.segment) == ("ks", "rating", "all")
    assert finding.statistic == finding.effect_size == 0.5
    assert finding.p_value == 0.001
    assert finding.detected
    assert result.rows == {"reference": 100, "current": 80}
    assert result.newest == {}


@pytest.mark.parametrize("kind", ["ks", "psi", "spearman"])
def test_the_same_file_twice_is_no_drift(make_check: MakeCheck, write: Write, kind: str) -> None:
    path = write("ref.parquet", rating=[1.0, 2, 2, 3, 3, 3], user_id=[1, 1, 2, 2, 3, 3])
    check = make_check(type=kind, cluster="user_id", current={"path": str(path)})

    (finding,) = run(check).findings

    assert finding.effect_size == (1.0 if kind == "spearman" else 0.0)
    assert finding.p_value == 1.0
    assert not finding.detected
    assert {"values": 3, "clusters": 3}.items() <= finding.details.items()


def test_the_effect_size_of_psi_is_what_chance_does_not_explain(make_check: MakeCheck, write: Write) -> None:
    rng = np.random.default_rng(2)
    users = np.repeat(np.arange(12), 20)
    # Each user has a taste of their own and half of them come later: nothing has changed but who is there.
    tastes = rng.dirichlet(np.full(5, 0.5), size=12)
    ratings = np.array([rng.choice(5, p=tastes[user]) for user in users], dtype=float)
    write("ref.parquet", rating=ratings[:120].tolist(), user_id=users[:120].tolist())
    write("cur.parquet", rating=ratings[120:].tolist(), user_id=users[120:].tolist())
    write("new.parquet", rating=(ratings[120:] + 0.5).tolist(), user_id=users[120:].tolist())
    check = make_check(type="psi", cluster="user_id", threshold=0.2)

    (same,) = run(check).findings
    (moved,) = run(
        make_check(type="psi", cluster="user_id", threshold=0.2, current={"path": "new.parquet"})
    ).findings

    assert same.statistic is not None
    assert same.effect_size is not None
    assert same.statistic > 0.2, "few users: the index alone is far above the usual threshold"
    assert same.effect_size == max(0.0, same.statistic - same.details["null_mean"]) < 0.2
    assert not same.detected
    assert moved.effect_size is not None
    assert moved.effect_size > 0.2
    assert moved.detected


def test_the_windows_of_a_version_are_disjoint(
    make_check: MakeCheck, write: Write, promote: Callable[..., Path], days: Days
) -> None:
    reference = {"rating": [1.0, 2, 3], "timestamp": days([-40, -5, 0])}
    write("log/a.parquet", rating=[1.0, 2, 3, 4], timestamp=days([-5, 0, 1, 20]))
    check = make_check(
        timestamp="timestamp",
        reference={
            "artifact": str(promote("als", reference=reference)),
            "file": "reference.parquet",
            "window": "30d",
        },
        current={"path": "log/*.parquet", "window": "30d"},
    )

    result = run(check)

    assert result.rows == {"reference": 2, "current": 2}
    assert result.newest == {"reference": START, "current": START + timedelta(days=20)}


def test_windows_follow_the_newest_event_or_the_clock(
    make_check: MakeCheck, write: Write, days: Days
) -> None:
    write("ref.parquet", rating=[1.0], timestamp=days([0]))
    write("cur.parquet", rating=[1.0, 2, 3], timestamp=days([0, 10, 20]))

    for follow, rows in (("newest_event", 2), ("clock", 1)):
        current = {"path": "cur.parquet", "window": "11d", "follow": follow}
        check = make_check(timestamp="timestamp", current=current)
        assert run(check, now=START + timedelta(days=30)).rows["current"] == rows


def test_events_of_the_future_are_not_in_a_window_of_the_clock(
    make_check: MakeCheck, write: Write, days: Days
) -> None:
    write("ref.parquet", rating=[1.0], timestamp=days([0]))
    write("cur.parquet", rating=[1.0, 2], timestamp=days([9, 99]))
    check = make_check(
        timestamp="timestamp", current={"path": "cur.parquet", "window": "11d", "follow": "clock"}
    )

    assert run(check, now=START + timedelta(days=10)).rows["current"] == 1


def test_freshness_is_by_the_clock_of_the_writer(make_check: MakeCheck, write: Write, days: Days) -> None:
    for name in ("ref.parquet", "cur.parquet"):
        write(name, rating=[1.0, 2], timestamp=days([0, 1]), observed_at=days([9000, 9001]))

    result = run(make_check(timestamp="timestamp", observed_at="observed_at"))

    assert result.newest["current"] == START + timedelta(days=9001)


def test_no_current_data_yet_is_no_failure(make_check: MakeCheck, write: Write, days: Days) -> None:
    write("ref.parquet", rating=[1.0], timestamp=days([0]))
    check = make_check(timestamp="timestamp", current={"path": "log/*.parquet", "window": "30d"})

    result = run(check)

    assert result.rows == {"reference": 1, "current": 0}
    assert result.findings[0].statistic is None
    assert not result.findings[0].detected
    assert result.newest == {"reference": START}


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (
            {"path": "no.parquet"},
            r"^reference: .*/no\.parquet does not exist: write it first, or correct path$",
        ),
        (
            {"path": "no*.parquet"},
            r"^reference: .*/no\*\.parquet matches no file: write one, or correct path$",
        ),
        (
            {"artifact": "artifacts/als", "file": "reference.parquet"},
            r"^reference: .*/artifacts/als does not exist: publish a version there, or correct artifact$",
        ),
        (
            {"artifact": ".", "file": "reference.parquet"},
            r"^reference: no version in service in .*: promote one$",
        ),
    ],
)
def test_a_missing_reference_is_a_failure(
    make_check: MakeCheck, write: Write, days: Days, reference: dict[str, Any], message: str
) -> None:
    write("cur.parquet", rating=[1.0], timestamp=days([0]))

    with pytest.raises(SourceError, match=message):
        run(make_check(reference=reference, timestamp="timestamp"))


def test_a_file_that_the_version_lacks(make_check: MakeCheck, promote: Callable[..., Path]) -> None:
    check = make_check(
        timestamp="timestamp", reference={"artifact": str(promote("als")), "file": "reference.parquet"}
    )

    with pytest.raises(
        SourceError, match=r"reference\.parquet does not exist: publish a version that holds it"
    ):
        run(check)


def test_a_damaged_version_name(make_check: MakeCheck, promote: Callable[..., Path]) -> None:
    folder = promote("als")
    (folder / "current").write_text("../../etc\n", encoding="utf-8")
    check = make_check(
        timestamp="timestamp", reference={"artifact": str(folder), "file": "reference.parquet"}
    )

    with pytest.raises(SourceError, match=r"^reference: '\.\./\.\./etc' is not a version"):
        run(check)


def test_texts_against_numbers(make_check: MakeCheck, write: Write) -> None:
    write("ref.parquet", rating=["1", "2"])
    write("cur.parquet", rating=[1, 2])

    with pytest.raises(
        SourceError, match=r"^column rating holds text in one window and numbers in the other"
    ):
        run(make_check(type="psi"))


def test_embeddings(make_check: MakeCheck, promote: Callable[..., Path]) -> None:
    vectors = np.random.default_rng(0).normal(size=(60, 8))
    turned = vectors.copy()
    turned[:3] *= -1
    old = promote("als", titles={"item_id": np.arange(60), "vector": list(vectors)})
    new = promote(
        "titles",
        embeddings={
            "item_id": np.arange(10, -50, -1) % 60,
            "vector": list(turned[np.arange(10, -50, -1) % 60]),
        },
    )
    check = make_check(
        type="embedding",
        column="vector",
        key="item_id",
        threshold=0.95,
        reference={"artifact": str(old), "file": "titles.parquet"},
        current={"artifact": str(new), "file": "embeddings.parquet"},
    )

    (finding,) = run(check).findings

    assert finding.statistic == pytest.approx(0.9, abs=1e-12)
    assert finding.p_value is None
    assert finding.detected
    assert finding.details["shared"] == 60
    assert finding.details["std"] == pytest.approx(2 * np.sqrt(0.05 * 0.95), abs=1e-12)
    assert [item["id"] for item in finding.details["worst"][:3]] == [0, 1, 2]
    assert len(finding.details["worst"]) == 10


def test_embeddings_that_share_nothing(make_check: MakeCheck, write: Write) -> None:
    write("ref.parquet", item_id=[1], vector=[[1.0]])
    write("cur.parquet", item_id=[2], vector=[[1.0]])

    with pytest.raises(
        SourceError, match=r"^the windows share no item_id: compare vectors of the same things$"
    ):
        run(make_check(type="embedding", column="vector", key="item_id"))


def test_too_few_shared_embeddings_detect_nothing(make_check: MakeCheck, write: Write) -> None:
    write("ref.parquet", item_id=np.arange(100), vector=[[1.0]] * 100)
    write("cur.parquet", item_id=np.arange(95, 195), vector=[[-1.0]] * 100)

    result = run(make_check(type="embedding", column="vector", key="item_id", min_rows=50))

    assert result.rows == {"reference": 100, "current": 100}
    assert result.findings[0].statistic == -1.0
    assert not result.findings[0].detected


def test_a_timeout_ends_the_permutations(make_check: MakeCheck, write: Write) -> None:
    write("ref.parquet", rating=np.arange(100_000.0))
    write("cur.parquet", rating=np.arange(100_000.0))
    check = make_check(permutations=1_000_000, timeout="1s")

    with pytest.raises(CheckTimeoutError):
        run_check(check, now=START, deadline=Deadline(check.timeout))


@pytest.mark.parametrize("kind", ["wasserstein", "moments"])
def test_a_column_of_huge_numbers_does_not_lose_its_neighbours(
    make_check: MakeCheck, write: Write, kind: str
) -> None:
    numbers = np.random.default_rng(4).normal(size=100)
    write("ref.parquet", rating=numbers, huge=numbers)
    write("cur.parquet", rating=numbers, huge=numbers * 1e300)

    good, huge = run(make_check(type=kind, column=None, columns=["rating", "huge"])).findings

    assert good.effect_size == 0.0
    assert huge.detected or "too large to square" in str(huge.error)


def test_arithmetic_that_fails_on_one_column_does_not_lose_its_neighbours(
    make_check: MakeCheck, write: Write
) -> None:
    class OnceTooLarge(Deadline):
        left = 1

        def guard(self, items: Iterable[T]) -> Iterator[T]:
            self.left -= 1
            if self.left >= 0:
                raise OverflowError("math range error")
            return super().guard(items)

    write("ref.parquet", rating=np.arange(100.0), price=np.arange(100.0))
    write("cur.parquet", rating=np.arange(100.0), price=np.arange(100.0))
    check = make_check(column=None, columns=["rating", "price"])

    bad, good = run_check(check, now=START, deadline=OnceTooLarge(timedelta(minutes=1))).findings

    assert bad.error is not None
    assert bad.error.startswith("ks is not defined on rating: it holds numbers too large or too small")
    assert good.error is None


def test_a_segment_that_is_called_all_is_a_segment(make_check: MakeCheck, write: Write) -> None:
    seg = ["all"] * 60 + ['"all"'] * 50 + ["b"] * 40
    write("ref.parquet", rating=np.arange(150.0), seg=seg)
    write("cur.parquet", rating=np.arange(150.0), seg=seg)

    found = {finding.segment: finding.n_reference for finding in run(make_check(segment_by="seg")).findings}

    assert found == {"all": 150, '"all"': 60, '""all""': 50, "b": 40}


@pytest.mark.parametrize(
    ("value", "label"),
    [(None, "all"), ("all", '"all"'), ('"all"', '""all""'), ('all"', '"all""'), ("b", "b"), ('"b"', '"b"')],
)
def test_labels_of_segments(value: str | None, label: str) -> None:
    assert segment_label(value) == label


def test_a_segment_of_decimals_is_one_of_whole_numbers(make_check: MakeCheck, write: Write) -> None:
    write("ref.parquet", rating=[1.0, 2.0, 3.0], seg=[1.0, 1.0, 2.5])
    write("cur.parquet", rating=[1.0, 2.0, 3.0], seg=[1, 1, 2])

    found = {finding.segment: finding.n_current for finding in run(make_check(segment_by="seg")).findings}

    assert found == {"all": 3, "1.0": 2, "2.5": 0}


def test_no_message_holds_a_password(make_check: MakeCheck, write: Write) -> None:
    write("ref.parquet", rating=[1.0])
    check = make_check(current={"database": "sqlite:///s3cret.db?token=s3cret", "table": "nothing"})

    with pytest.raises(SourceError, match=r"/\*\*\*\.db\?token=\*\*\* does not exist") as caught:
        run(check)

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            {"current": {"path": "log/typo*.parquet", "window": "30d"}},
            r"current: no file matches .*/log/typo\*\.parquet",
        ),
        ({"filter": {"rating": 7.0}}, "current: no row passes filter"),
        (
            {"current": {"path": "cur.parquet", "window": "1d", "follow": "clock"}},
            "current: no row passes window",
        ),
    ],
)
def test_why_there_are_no_rows_is_said(
    make_check: MakeCheck, write: Write, days: Days, keys: dict[str, Any], said: str
) -> None:
    write("ref.parquet", rating=[1.0, 7.0], timestamp=days([0, 0]))
    write("cur.parquet", rating=[1.0], timestamp=days([-5]))

    result = run(make_check(timestamp="timestamp", **keys))

    (text,) = result.findings[0].details["no_rows"]
    assert re.fullmatch(said, text)
    assert result.rows["current"] == 0
