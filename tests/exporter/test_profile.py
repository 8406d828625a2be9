import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recwatch_exporter.config import Check
from recwatch_exporter.errors import SourceError
from recwatch_exporter.profile import FrozenCheck, read_profile, write_profile

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MakeCheck = Callable[..., Check]
PARTS: dict[tuple[str, str], dict[str, Any]] = {
    ("rating", "all"): {
        "values": np.array([0.5, 1.0, np.inf]),
        "counts": np.array([1, 2, 3]),
        "texts": np.array(["ä", "", "line\nbreak", "nul\0"], dtype=object),
        "fixed": np.array([["a", "bc"], ["d", "e"]]),
        "figure": np.float64(0.5),
        "empty": np.empty((0, 3), dtype=np.float32),
    },
    ("rating", "de"): {"values": np.array([1.0])},
}
FROZEN = FrozenCheck(newest=NOW, source_newest=None, segments=("de",), parts=PARTS)


@pytest.fixture
def check(make_check: MakeCheck) -> Check:
    return make_check(timestamp="t", seed=3, filter={"event": "rating"})


@pytest.fixture
def path(tmp_path: Path, check: Check) -> Path:
    """A profile of one check, for version v1."""
    path = tmp_path / "drift.npz"
    write_profile(path, [(check, FROZEN)], version="v1", made_at=NOW)
    return path


def test_what_is_written_is_read(path: Path, check: Check) -> None:
    found = read_profile(path, check, version="v1")

    assert (found.newest, found.source_newest, found.segments) == (NOW, None, ("de",))
    assert found.parts.keys() == PARTS.keys()
    for key, part in PARTS.items():
        assert found.parts[key].keys() == part.keys()
        for name, array in part.items():
            np.testing.assert_array_equal(found.parts[key][name], array)
            assert found.parts[key][name].shape == np.shape(array)
    assert found.parts["rating", "all"]["empty"].dtype == np.float32
    assert [entry.name for entry in path.parent.iterdir() if entry.name.startswith(".")] == []


def test_long_texts_take_the_room_that_they_need(tmp_path: Path, check: Check) -> None:
    """As text of fixed width one long one would make all others as long: 400 MB here."""
    texts = np.array([*map(str, range(1000)), "x" * 100_000], dtype=object)
    path = tmp_path / "drift.npz"

    write_profile(path, [(check, FrozenCheck(parts={("a", "all"): {"v": texts}}))], version=None, made_at=NOW)

    assert path.stat().st_size < 20_000
    np.testing.assert_array_equal(read_profile(path, check, version=None).parts["a", "all"]["v"], texts)


def test_what_is_no_array_of_numbers_or_text(tmp_path: Path, check: Check) -> None:
    odd = FrozenCheck(parts={("a", "all"): {"v": np.array([{"a": 1}], dtype=object)}})

    with pytest.raises(TypeError, match="something else than text"):
        write_profile(tmp_path / "drift.npz", [(check, odd)], version=None, made_at=NOW)
    assert list(tmp_path.glob("*.npz")) == []


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"seed": 4}, r"seed was 3 and is 4: make it anew"),
        ({"column": "price"}, r"column was 'rating' and is 'price'"),
        ({"filter": {}}, r"filter was \{'event': 'rating'\} and is \{\}"),
        ({"cluster": "user_id", "timestamp": "at"}, r"cluster was None .*; timestamp was 't' and is 'at'"),
        (
            {"reference": {"path": "ref.parquet", "window": "60d"}},
            r"reference.window was None and is '60d'",
        ),
        (
            {"reference": {"path": "ref.parquet", "filter": {"a": 1}}},
            r"reference.filter was \{\} and is \{'a': 1\}",
        ),
        (
            {"reference": {"artifact": "models", "file": "new.parquet", "profile": "drift.npz"}},
            r"reference.file was 'ref.parquet' and is 'new.parquet'",
        ),
    ],
)
def test_another_configuration_is_an_error(
    path: Path, make_check: MakeCheck, keys: dict[str, Any], message: str
) -> None:
    plain: dict[str, Any] = {"timestamp": "t", "seed": 3, "filter": {"event": "rating"}}

    with pytest.raises(SourceError, match=f"was made with another configuration of check: .*{message}"):
        read_profile(path, make_check(**{**plain, **keys}), version="v1")


def test_what_does_not_concern_the_reference_may_change(path: Path, make_check: MakeCheck) -> None:
    changed = make_check(
        timestamp="t", seed=3, filter={"event": "rating"}, threshold=0.9, alpha=0.2, min_rows=7
    )

    assert read_profile(path, changed, version="v1").segments == ("de",)


def test_another_version_is_an_error(path: Path, check: Check, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="belongs to version v1, not to version v2: make it anew by"):
        read_profile(path, check, version="v2")
    assert read_profile(path, check, version=None).segments == ("de",), "it lies in no version's folder"

    write_profile(tmp_path / "none.npz", [(check, FROZEN)], version=None, made_at=NOW)
    with pytest.raises(SourceError, match="belongs to no version, not to version v1: make it anew by"):
        read_profile(tmp_path / "none.npz", check, version="v1")


def test_another_check(path: Path, make_check: MakeCheck) -> None:
    with pytest.raises(SourceError, match=r"holds no check other: it has check; make it anew, or give the"):
        read_profile(path, make_check(name="other"), version="v1")


def test_another_format(tmp_path: Path, check: Check) -> None:
    meta = {"format": 99, "checks": {}, "version": None}
    np.savez(tmp_path / "drift.npz", profile=np.asarray(json.dumps(meta)))

    with pytest.raises(SourceError, match="is of format 99, not 2: make it anew"):
        read_profile(tmp_path / "drift.npz", check, version=None)


def test_a_profile_that_is_not_there(path: Path, check: Check) -> None:
    with pytest.raises(
        SourceError, match=r"^reference: .*nope\.npz does not exist: make it by `recwatch-exp"
    ):
        read_profile(path.with_name("nope.npz"), check, version=None)


def test_an_array_in_place_of_a_profile(path: Path, check: Check) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))

    with pytest.raises(
        SourceError, match=r"drift\.npz is not a profile: it holds something else: make it by"
    ):
        read_profile(path, check, version=None)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no archive"),
        lambda path: path.write_bytes(path.read_bytes()[:200]),
        lambda path: path.write_bytes(b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'shape': (0,)}"),
        lambda path: np.savez(path, other=np.zeros(3)),
        lambda path: np.savez(path, profile=np.asarray("[]")),
        lambda path: np.savez(path, profile=np.array([{}], dtype=object)),
        lambda path: (path.unlink(), path.mkdir()),
    ],
)
def test_what_is_no_profile(path: Path, check: Check, write: Callable[[Path], object]) -> None:
    write(path)

    with pytest.raises(
        SourceError, match=r"^reference: .*drift\.npz is not a profile: .*: make it by"
    ) as caught:
        read_profile(path, check, version="v1")
    assert "\n" not in str(caught.value)


@settings(max_examples=150)
@given(place=st.floats(0, 1, exclude_max=True), junk=st.binary(min_size=1, max_size=30))
def test_a_damaged_profile_says_so_or_is_whole(path: Path, check: Check, place: float, junk: bytes) -> None:
    sound = path.read_bytes()
    start = int(place * len(sound))
    try:
        path.write_bytes(sound[:start] + junk + sound[start + len(junk) :])
        found = read_profile(path, check, version="v1")
        np.testing.assert_array_equal(found.parts["rating", "all"]["counts"], [1, 2, 3])
    except SourceError as error:
        assert str(error).startswith("reference: ")  # noqa: PT017 - either way is right
    finally:
        path.write_bytes(sound)
