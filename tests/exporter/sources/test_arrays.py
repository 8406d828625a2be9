import contextlib
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save, save_file

from recwatch_exporter.errors import SourceError
from recwatch_exporter.sources.arrays import read_arrays, to_table

VECTORS = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
IDS = np.arange(100, 120)


def save_npy(folder: Path) -> Path:
    np.save(folder / "a.npy", VECTORS)
    return folder / "a.npy"


def save_npz(folder: Path) -> Path:
    np.savez(folder / "a.npz", item_id=IDS, vector=VECTORS, name=np.array(["ü"] * 20), size=np.array(3))
    return folder / "a.npz"


def save_compressed(folder: Path) -> Path:
    np.savez_compressed(folder / "b.npz", item_id=IDS, vector=VECTORS)
    return folder / "b.npz"


def save_safetensors(folder: Path) -> Path:
    tensors: dict[str, Any] = {
        "item_id": IDS,
        "vector": VECTORS,
        "step": np.array(7),
        "deep": np.zeros((20, 2, 2)),
    }
    save_file(tensors, folder / "a.safetensors")
    return folder / "a.safetensors"


SAVERS = [save_npy, save_npz, save_compressed, save_safetensors]


@pytest.mark.parametrize("save_to", SAVERS)
def test_columns(tmp_path: Path, save_to: Callable[[Path], Path]) -> None:
    arrays = read_arrays(save_to(tmp_path))

    np.testing.assert_array_equal(arrays["vector"], VECTORS)
    assert arrays["row"].tolist() == list(range(20))
    if save_to is not save_npy:
        np.testing.assert_array_equal(arrays["item_id"], IDS)
    assert not {"size", "step", "deep"} & set(arrays)
    assert isinstance(arrays["vector"], np.memmap) is (save_to is not save_compressed)


@pytest.mark.parametrize("save_to", SAVERS)
def test_arrow_takes_vectors_as_they_lie(tmp_path: Path, save_to: Callable[[Path], Path]) -> None:
    arrays = read_arrays(save_to(tmp_path))

    column = to_table(arrays).column("vector").chunk(0)

    assert column.to_pylist() == VECTORS.tolist()
    assert column.flatten().buffers()[1].address == arrays["vector"].ctypes.data


def test_other_types_and_orders(tmp_path: Path) -> None:
    wanted = np.array([[1.5, 2.0], [3.0, -4.0]])
    np.save(tmp_path / "a.npy", np.asfortranarray(wanted).astype(">f4"))
    np.savez(tmp_path / "b.npz", half=wanted.astype(np.float16), whole=wanted.astype(np.int64))

    assert to_table(read_arrays(tmp_path / "a.npy")).column("vector").to_pylist() == wanted.tolist()
    table = to_table(read_arrays(tmp_path / "b.npz"))
    assert table.column("half").to_pylist() == wanted.tolist()
    assert table.column("whole").to_pylist() == wanted.astype(int).tolist()


def test_one_dimension_is_a_column_of_values(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([1.0, 2.0]))

    assert to_table(read_arrays(tmp_path / "a.npy")).to_pydict() == {"row": [0, 1], "value": [1.0, 2.0]}


def test_half_precision_of_brains(tmp_path: Path) -> None:
    halves = (np.array([[1.5, -2.0]], np.float32).view(np.uint32) >> 16).astype(np.uint16)
    header = json.dumps({"vector": {"dtype": "BF16", "shape": [1, 2], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + halves.tobytes())

    assert read_arrays(tmp_path / "a.safetensors")["vector"].tolist() == [[1.5, -2.0]]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros(2), "b": np.zeros(3)}, r"different lengths \(a 2, b 3\): write equal ones$"),
        ({"a": np.zeros(())}, r"holds no array of one or two dimensions of numbers or texts$"),
        ({"a": np.array([{}])}, r"^cannot be read: .*[Oo]bject"),
    ],
)
def test_what_is_no_table(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)

    with pytest.raises(SourceError, match=message):
        read_arrays(tmp_path / "a.npz")


@pytest.mark.parametrize("save_to", SAVERS)
@pytest.mark.parametrize("kept", [0, 1, 5, 40, -1, -60])
def test_a_truncated_file(tmp_path: Path, save_to: Callable[[Path], Path], kept: int) -> None:
    path = save_to(tmp_path)
    path.write_bytes(path.read_bytes()[:kept])

    advice = "it is cut off, still being written or of another format: write it anew"
    if path.suffix == ".npy" and kept in {1, 5}:
        advice = "it holds no array of numbers"
    with pytest.raises(SourceError, match=rf"^cannot be read: .*: {advice}"):
        read_arrays(path)


@settings(max_examples=50)
@given(
    position=st.integers(0, 400),
    byte=st.integers(0, 255),
    ending=st.sampled_from(["npy", "npz", "safetensors"]),
)
def test_a_file_with_a_wrong_byte_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, position: int, byte: int, ending: str
) -> None:
    folder = tmp_path_factory.mktemp("arrays")
    if ending == "safetensors":
        content = bytearray(save({"vector": VECTORS}))
    else:
        content = bytearray({"npy": save_npy, "npz": save_npz}[ending](folder).read_bytes())
    content[position % len(content)] = byte
    path = folder / f"wrong.{ending}"
    path.write_bytes(bytes(content))

    with contextlib.suppress(SourceError):  # and nothing else
        to_table(read_arrays(path))


def test_no_advice_to_load_what_may_run(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(b"hello")

    with pytest.raises(
        SourceError, match=r"a\.npy: it holds no array of numbers or texts: write it by numpy"
    ):
        read_arrays(path)
