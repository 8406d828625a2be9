"""Files of arrays, memory-mapped where they can be: `.npy`, `.npz` and safetensors."""

import json
import mmap
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from safetensors import safe_open

from recwatch_exporter.errors import SourceError

ENDINGS = (".npy", ".npz", ".safetensors")
ROW, VECTOR = "row", "vector"

Arrays = Mapping[str, NDArray[Any]]
"""Column to (rows,) or (rows, dimensions)."""

_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BOOL": "?",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
}
_CUT_OFF = (
    ": it is cut off, still being written or of another format: write it anew, under .name until it is whole"
)
_SIGNS_OF_A_CUT = (
    "mmap length is greater",
    "incomplete metadata",
    "not fully covered",
    "No data left",
    "EOF",
    "not a zip file",
    "header too small",
    "invalid header length",
)
_LOCAL_HEADER = 30  # bytes; the lengths of the name and of the extra field are its last two words


def read_arrays(path: Path) -> Arrays:
    """The arrays of a file as columns of equally many rows.

    `.npy` has the columns `row`, numbered from 0, and `vector`, or `value` where it has one dimension. Those
    of `.npz` and safetensors are named as in the file; arrays that are no columns (a scalar, more than two
    dimensions) are passed over, and `row` is added where there is none.

    Raises:
        SourceError: when the file is broken, or its arrays are of different lengths.
    """
    try:
        found = _READERS[path.suffix.lower()](path)
    except Exception as error:  # numpy and zipfile raise a dozen kinds over a broken file; the cause is kept
        message = " ".join(str(error).split()) or type(error).__name__
        if "pickle" in message:  # numpy advises to load it all the same, which runs what is in it
            message = "it holds no array of numbers or texts: write it by numpy.save, or write it anew"
        advice = _CUT_OFF if any(sign in message for sign in _SIGNS_OF_A_CUT) else ""
        raise SourceError(f"cannot be read: {path}: {message:.200}{advice}") from error
    columns = {name: array for name, array in found.items() if _is_column(array)}
    lengths = {name: len(array) for name, array in columns.items()}
    if not columns:
        raise SourceError(f"{path} holds no array of one or two dimensions of numbers or texts")
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in sorted(lengths.items()))
        raise SourceError(f"the arrays of {path} have different lengths ({listed:.200}): write equal ones")
    if ROW not in columns:
        columns = {ROW: np.arange(len(next(iter(columns.values())))), **columns}
    return columns


def to_table(arrays: Arrays) -> pa.Table:
    """The arrays as an Arrow table; arrays that lie as Arrow's do are not copied."""
    return pa.table({name: _to_arrow(array) for name, array in arrays.items()})


def release(array: NDArray[Any]) -> None:
    """Give back the memory of what was read of a mapped array: a pass over it then needs that of a chunk."""
    base: object = array.base if isinstance(array, np.memmap) else None
    if isinstance(base, mmap.mmap):
        base.madvise(mmap.MADV_DONTNEED)


def _to_arrow(array: NDArray[Any]) -> pa.Array:
    if array.dtype.kind == "f" and array.dtype.itemsize < np.dtype(np.float32).itemsize:
        array = array.astype(np.float32)  # DuckDB knows no halves
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.ndim == 1:
        return pa.array(array)
    flat = pa.array(array.reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, array.shape[1])


def _is_column(array: NDArray[Any]) -> bool:
    if array.ndim == 1:
        return array.dtype.kind in "fiubUM"
    return array.ndim == 2 and array.dtype.kind in "fiu" and array.shape[1] > 0  # noqa: PLR2004 - rows and columns


def _npy(path: Path) -> Arrays:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    return {"value" if array.ndim == 1 else VECTOR: array}


def _npz(path: Path) -> Arrays:
    with zipfile.ZipFile(path) as archive:
        members = [item for item in archive.infolist() if item.filename.endswith(".npy")]
    stored = {item.filename: item for item in members if item.compress_type == zipfile.ZIP_STORED}
    with np.load(path, allow_pickle=False) as loaded:
        return {
            name: _mapped_member(path, stored[f"{name}.npy"]) if f"{name}.npy" in stored else loaded[name]
            for name in loaded.files
        }


def _mapped_member(path: Path, item: zipfile.ZipInfo) -> NDArray[Any]:
    """An array that was stored as it is, by `np.savez`, where it lies in the archive."""
    with path.open("rb") as file:
        file.seek(item.header_offset)
        header = file.read(_LOCAL_HEADER)
        name, extra = struct.unpack("<HH", header[-4:])
        file.seek(item.header_offset + _LOCAL_HEADER + name + extra)
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, by_column, kind = read(file)
        if kind.hasobject:
            raise ValueError("arrays of Python objects are not read: save numbers or texts")
        if 0 in shape:
            return np.empty(shape, kind)
        order: Literal["F", "C"] = "F" if by_column else "C"
        return np.memmap(path, dtype=kind, mode="r", offset=file.tell(), shape=shape, order=order)


def _safetensors(path: Path) -> Arrays:
    with safe_open(path, framework="numpy") as file:  # checks the header; it reads no array
        names = list(file.keys())
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    return {name: _mapped_tensor(path, header[name], 8 + length) for name in names}


def _mapped_tensor(path: Path, entry: Mapping[str, Any], start: int) -> NDArray[Any]:
    shape, begin = tuple(entry["shape"]), start + int(entry["data_offsets"][0])
    if 0 in shape:
        return np.empty(shape, np.float32)
    if entry["dtype"] == "BF16":  # the upper half of a float32
        halves = np.memmap(path, dtype="<u2", mode="r", offset=begin, shape=shape)
        return (halves.astype(np.uint32) << 16).view(np.float32)
    if entry["dtype"] not in _TYPES:
        return np.empty(())  # no column
    return np.memmap(path, dtype=_TYPES[entry["dtype"]], mode="r", offset=begin, shape=shape)


_READERS = {".npy": _npy, ".npz": _npz, ".safetensors": _safetensors}
