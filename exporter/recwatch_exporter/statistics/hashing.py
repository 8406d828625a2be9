"""Chance that belongs to an id: the same at every run, on either side, in whatever order ids are read."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray

_LONGEST = 256
_READABLE = 200


def plain_ids(ids: NDArray[Any]) -> NDArray[Any]:
    """Ids as whole numbers where they are, else as they are; text as text of fixed width.

    A column of whole numbers of which one is missing is read as floats; its ids are still the same.
    """
    if ids.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = ids.astype(np.int64)
        return whole if np.array_equal(whole, ids) else ids
    return short_texts(ids) if ids.dtype.kind in "OT" else ids


def short_texts(values: NDArray[Any]) -> NDArray[Any]:
    """Values as text of fixed width, in which a long one does not make all wide.

    One of more than 256 characters stands as how it begins and a hash of the whole: different ones stay
    different, and the same one is the same in every window.
    """
    texts = [str(value) for value in values.tolist()]
    return np.asarray([text if len(text) <= _LONGEST else _hashed(text) for text in texts], dtype=np.str_)


def _hashed(text: str) -> str:
    digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()
    return f"{text[:_READABLE]}… {digest}"


def ranks(ids: NDArray[Any], *, seed: int) -> FloatArray:
    """A number in 0..1 for each id, as if drawn at random: (ids,)."""
    key = str(seed).encode()[:64]
    digests = [
        hashlib.blake2b(str(name).encode(errors="surrogatepass"), digest_size=8, key=key).digest()
        for name in plain_ids(ids).tolist()
    ]
    whole = np.frombuffer(b"".join(digests), dtype=np.uint64)
    return np.asarray((whole >> np.uint64(11)) * 2.0**-53, dtype=np.float64)
