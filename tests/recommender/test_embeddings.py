import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from prometheus_client import CollectorRegistry

from recommender.embeddings import (
    FILE,
    NAME,
    TitleEmbeddings,
    build_titles,
    copy_titles,
    current_titles,
    ensure_titles,
    main,
)
from recommender.errors import ModelError
from recommender.paths import Home
from recwatch.registry import ModelRegistry
from recwatch.store import open_store


def test_a_file_gives_back_the_vectors(tmp_path: Path) -> None:
    written = TitleEmbeddings(np.array([3, 7]), np.array([[1, 0, 0], [0, 0.6, 0.8]], dtype=np.float32))
    written.write(tmp_path / FILE)
    found = TitleEmbeddings.read(tmp_path / FILE)
    assert np.array_equal(found.item_id, written.item_id)
    assert np.array_equal(found.vectors, written.vectors)
    schema = pq.read_schema(tmp_path / FILE)
    assert schema.field("item_id").type == pa.int64()
    assert schema.field("vector").type == pa.list_(pa.float32())


def test_an_item_without_a_vector_has_zeros() -> None:
    embeddings = TitleEmbeddings(np.array([3]), np.ones((1, 2), dtype=np.float32))
    assert embeddings.of(np.array([3, 4])).tolist() == [[1.0, 1.0], [0.0, 0.0]]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not parquet")
    with pytest.raises(ModelError, match="run python -m recommender"):
        TitleEmbeddings.read(tmp_path / FILE)


def test_every_film_has_a_vector_of_length_one(prepared_home: Home) -> None:
    path = current_titles(prepared_home)
    assert path is not None
    embeddings = TitleEmbeddings.read(path)
    assert embeddings.vectors.shape == (9066, 256)
    assert np.linalg.norm(embeddings.vectors, axis=1) == pytest.approx(np.ones(9066), abs=1e-5)


def test_titles_of_one_series_are_alike(prepared_home: Home) -> None:
    path = current_titles(prepared_home)
    assert path is not None
    embeddings = TitleEmbeddings.read(path)
    toy_story, toy_story_2, heat = embeddings.of(np.array([1, 3114, 6]))
    assert toy_story @ toy_story_2 > 0.5 > toy_story @ heat


def test_a_copy_is_what_is_in_service(prepared_home: Home, tmp_path: Path) -> None:
    source = current_titles(prepared_home)
    assert source is not None
    copy_titles(prepared_home, tmp_path / "titles.parquet")
    assert (tmp_path / "titles.parquet").read_bytes() == source.read_bytes()


def test_the_command_puts_a_new_version_into_service(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    registry = ModelRegistry(home.artifacts(NAME))
    before = registry.current()
    assert main(["--home", str(home.root)]) == 0
    after = registry.current()
    assert after is not None
    assert after != before
    assert capsys.readouterr().out == f"titles {after} is in service\n"
    manifest = registry.manifest(after)
    assert manifest.parameters["dimensions"] == 256
    assert manifest.data_version.startswith("9066-titles-")


def test_a_build_is_a_pipeline_that_is_watched(home: Home) -> None:
    metrics = CollectorRegistry()
    build_titles(home, now=datetime(2026, 11, 21, tzinfo=UTC), reason="test", metrics=metrics)
    with open_store(home.store_url) as store:
        runs = store.pipeline_runs(NAME)
    assert [run["status"] for run in runs] == ["completed", "completed"]
    stages = json.loads(runs[-1]["stages"])
    assert [stage["stage"] for stage in stages] == ["read", "encode", "publish"]
    labels = {"pipeline": NAME, "stage": "encode"}
    assert metrics.get_sample_value("pipeline_stage_duration_seconds", labels)


def test_the_first_are_built_once_and_pushed_to(tmp_path: Path, home: Home) -> None:
    push = f"textfile:{tmp_path / 'collector'}"
    ensure_titles(home, push=push)
    assert not (tmp_path / "collector").exists()  # there were some
    shutil.rmtree(home.artifacts(NAME))
    ensure_titles(home, push=push)
    text = (tmp_path / "collector/recwatch_pipelines_titles.prom").read_text(encoding="utf-8")
    assert 'pipeline_stage_duration_seconds{pipeline="titles",stage="encode"}' in text
