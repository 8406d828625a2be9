"""Title embeddings: a sentence encoder's vector for every film, an artifact with versions of its own.

`python -m recommender.embeddings` encodes the catalogue anew and puts the result into service. The build is a
pipeline that recwatch watches; RECWATCH_PUSHGATEWAY (host:port) takes its metrics.
"""

import argparse
import fcntl
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from prometheus_client import REGISTRY, CollectorRegistry

from recommender import times
from recommender.catalogue import Catalogue, find_sorted
from recommender.data import ensure_history, read_catalogue
from recommender.errors import ModelError
from recommender.paths import Home
from recwatch.pipeline import PipelineRun
from recwatch.registry import Manifest, ModelRegistry

NAME = "titles"
FILE = "embeddings.parquet"


@dataclass(frozen=True, eq=False)
class TitleEmbeddings:
    """Unit vectors of titles.

    Attributes:
        item_id: int64, ascending, items.
        vectors: float32, items x dimensions, each of length 1.
    """

    item_id: npt.NDArray[np.int64]
    vectors: npt.NDArray[np.float32]

    def of(self, item_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Vectors of items, items x dimensions; zeros for one without a title vector."""
        positions = find_sorted(self.item_id, item_ids)
        return np.where((positions >= 0)[:, None], self.vectors[positions], np.float32(0))

    def write(self, path: Path) -> None:
        """Write columns item_id (int64) and vector (list of float32)."""
        count, dimensions = self.vectors.shape
        offsets = np.arange(count + 1, dtype=np.int32) * dimensions
        vectors = pa.ListArray.from_arrays(offsets, self.vectors.ravel())
        pq.write_table(pa.table({"item_id": self.item_id, "vector": vectors}), path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote.

        Raises:
            ModelError: when the file is missing or damaged.
        """
        try:
            table = pq.read_table(path, columns=["item_id", "vector"]).combine_chunks()
            item_id = table.column("item_id").to_numpy()
            flat = table.column("vector").combine_chunks().flatten().to_numpy()
            return cls(item_id, flat.reshape(len(item_id), -1 if len(item_id) else 0))
        except (OSError, KeyError, ValueError, pa.ArrowException) as error:
            raise ModelError(
                f"{path} cannot be used ({error}): run python -m recommender.embeddings"
            ) from error


def encode_titles(catalogue: Catalogue) -> TitleEmbeddings:
    """Encode title and genres of every film with WordLlama, whose weights come with its package."""
    # Imported here: only building needs the encoder, serving and ordinary trainings do not.
    import wordllama  # noqa: PLC0415

    encoder = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
    texts = [
        f"{title} {genres.replace('|', ' ')}"
        for title, genres in zip(catalogue.title, catalogue.genres, strict=True)
    ]
    return TitleEmbeddings(catalogue.item_id, np.asarray(encoder.embed(texts, norm=True), dtype=np.float32))


def build_titles(
    home: Home,
    *,
    now: datetime,
    reason: str,
    push: str | None = None,
    metrics: CollectorRegistry = REGISTRY,
) -> str:
    """Encode the catalogue, publish the vectors and put them into service.

    Args:
        home: with the catalogue.
        now: names the version, aware.
        reason: stands in the history of promotions.
        push: the Pushgateway that takes the pipeline's metrics.
        metrics: where they are kept.

    Returns:
        The version.
    """
    with PipelineRun(NAME, push=push, store_url=home.store_url, registry=metrics) as run:
        with run.stage("read"):
            catalogue = read_catalogue(home)
        with run.stage("encode"):
            embeddings = encode_titles(catalogue)
        with run.stage("publish"):
            return _publish(home, catalogue, embeddings, now=now, reason=reason)


def _publish(
    home: Home, catalogue: Catalogue, embeddings: TitleEmbeddings, *, now: datetime, reason: str
) -> str:
    registry = ModelRegistry(home.artifacts(NAME))
    version = registry.new_version(now)
    digest = sha256("\n".join(catalogue.title).encode()).hexdigest()[:12]
    manifest = Manifest(
        model=NAME,
        version=version,
        trained_at=now,
        data_version=f"{len(catalogue)}-titles-{digest}",
        parameters={
            "encoder": f"wordllama {installed_version('wordllama')}",
            "dimensions": int(embeddings.vectors.shape[1]),
        },
    )
    with registry.publish(version) as folder:
        embeddings.write(folder / FILE)
        manifest.write(folder)
    registry.promote(version, reason=reason)
    return version


def current_titles(home: Home) -> Path | None:
    """The file in service; None before the first."""
    registry = ModelRegistry(home.artifacts(NAME))
    version = registry.current()
    return None if version is None else registry.path(version) / FILE


def copy_titles(home: Home, target: Path, *, push: str | None = None) -> None:
    """Copy the embeddings in service to `target`, making the first ones if there are none."""
    ensure_titles(home, push=push)
    shutil.copyfile(_existing(current_titles(home)), target)


def ensure_titles(home: Home, *, push: str | None = None) -> None:
    """Build the first title embeddings where there are none."""
    folder = home.artifacts(NAME)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".first.lock").open("a") as lock:
        # Two trainings that begin on an empty home would both make the first version.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if current_titles(home) is None:
            build_titles(home, now=times.now(), reason="the first", push=push)


def _existing(path: Path | None) -> Path:
    if path is None:
        raise ModelError("no title embeddings are in service: run python -m recommender.embeddings")
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Encode the catalogue anew and put the result into service."""
    parser = argparse.ArgumentParser(
        prog="python -m recommender.embeddings", description="Encode the titles of the catalogue anew."
    )
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("RECWATCH_HOME", ".")))
    home = Home(parser.parse_args(arguments).home)
    ensure_history(home)
    push = os.environ.get("RECWATCH_PUSHGATEWAY") or None
    version = build_titles(home, now=times.now(), reason="built by hand", push=push)
    sys.stdout.write(f"{NAME} {version} is in service\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
