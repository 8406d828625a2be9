import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recwatch.registry import ModelRegistry

Command = Callable[..., Any]
V1, V2, V3, V4 = (
    "v1_20250108_031500",
    "v2_20250112_031500",
    "v3_20250116_031500",
    "v4_20250120_031500",
)


@pytest.mark.usefixtures("models")
class TestList:
    def test_the_newest_stands_first_and_the_one_in_service_is_marked(self, recwatch: Command) -> None:
        answer = recwatch("models", "list")
        assert (answer.code, answer.err) == (0, "")
        lines = [" ".join(line.split()) for line in answer.out.splitlines()[2:]]
        assert [line.split()[1] for line in lines] == [V4, V3, V2, V1]
        assert "in service" in lines[1]
        assert "before" in lines[2]
        assert "ndcg@10 0.2000, recall@10 0.2400 until 2025-01-16" in lines[1]

    def test_json_holds_the_manifests(self, recwatch: Command) -> None:
        documents = json.loads(recwatch("models", "list", "als", "--json").out)
        assert [item["version"] for item in documents if item["in_service"]] == [V3]
        assert [item["version"] for item in documents if item["rollback_target"]] == [V2]
        assert documents[0]["metrics"]["ndcg@10"] == pytest.approx(0.21)
        assert {item["damage"] for item in documents} == {None}

    def test_a_damaged_version_is_named(self, recwatch: Command, models: ModelRegistry) -> None:
        (models.path(V4) / "manifest.json").write_text("{")
        answer = recwatch("models", "list")
        assert (answer.code, "cannot be used" in answer.out) == (0, True)
        assert "cannot be used" in json.loads(recwatch("models", "list", "--json").out)[0]["damage"]

    @pytest.mark.parametrize("model", ["al", "../als", ".", "", "als/", "a\0b", "\udcff", "x" * 100_000])
    @pytest.mark.parametrize("action", ["list", "history", "prune"])
    def test_no_model_is_more_than_a_name(self, recwatch: Command, action: str, model: str) -> None:
        answer = recwatch("models", action, model)
        assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
        assert answer.err.startswith("recwatch: no model ")
        assert answer.err.endswith("choose one of: als\n")


class TestHistory:
    @pytest.mark.usefixtures("models")
    def test_the_newest_stands_first(self, recwatch: Command) -> None:
        lines = [" ".join(line.split()) for line in recwatch("models", "history", "als").out.splitlines()]
        assert lines[2] == f"2025-01-17 03:15:00 promote {V3} {V2} drift of popularity"
        assert lines[4] == f"2025-01-09 03:15:00 promote {V1} - first"
        documents = json.loads(recwatch("models", "history", "als", "--json").out)
        assert [item["reason"] for item in documents] == ["drift of popularity", "drift of ratings", "first"]

    def test_a_model_that_was_never_promoted_has_none(self, recwatch: Command, models: ModelRegistry) -> None:
        for name in ("current", "history.jsonl"):
            (models.folder / name).unlink()
        assert recwatch("models", "history", "als").out == "No version was in service yet.\n"
        assert recwatch("models", "list").code == 0


class TestPromote:
    def promote(self, recwatch: Command, *argv: str) -> Any:
        return recwatch("models", "promote", "als", *argv, "--reason", "looks better")

    def test_a_version_comes_into_service(self, recwatch: Command, models: ModelRegistry) -> None:
        plain = ModelRegistry(models.folder)
        answer = self.promote(recwatch, V4)
        assert answer.out == f"als: {V4} is in service (before: {V3}); tell its service to reload\n"
        assert (plain.current(), plain.history()[-1].reason) == (V4, "looks better")
        assert self.promote(recwatch, V4).out == f"als: {V4} is in service already: nothing changes\n"

    def test_dry_run_changes_nothing(self, recwatch: Command, models: ModelRegistry) -> None:
        answer = self.promote(recwatch, V4, "--dry-run")
        assert answer.out == f"als: would put {V4} into service (now {V3})\n"
        document = json.loads(self.promote(recwatch, V4, "--dry-run", "--json").out)
        assert (document["changed"], document["dry_run"]) == (False, True)
        assert models.current() == V3

    @pytest.mark.parametrize("dry", [[], ["--dry-run"]])
    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (["v9_x"], "recwatch: als: no version v9_x in "),
            (["../x"], "recwatch: '../x' is not a version: "),
            (
                [V4, "--expected", V2],
                f"recwatch: als: cannot promote {V4}: {V2} was expected in service, and it is",
            ),
            ([V4, "--expected", "none"], f"recwatch: als: cannot promote {V4}: no version was expected"),
        ],
    )
    def test_what_cannot_be_promoted_is_refused(
        self, recwatch: Command, models: ModelRegistry, argv: list[str], message: str, dry: list[str]
    ) -> None:
        answer = self.promote(recwatch, *argv, *dry)
        assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
        assert answer.err.startswith(message)
        assert models.current() == V3

    @pytest.mark.usefixtures("models")
    def test_the_expected_version_is_no_hindrance(self, recwatch: Command) -> None:
        document = json.loads(self.promote(recwatch, V4, "--expected", V3, "--json").out)
        expected = {"model": "als", "action": "promote", "version": V4, "previous": V3}
        assert document == expected | {"changed": True, "dry_run": False}


class TestRollback:
    def test_the_version_before_comes_back(self, recwatch: Command, models: ModelRegistry) -> None:
        argv = ["models", "rollback", "als", "--reason", "worse"]
        assert recwatch(*argv, "--dry-run").out == f"als: would put {V2} into service (now {V3})\n"
        assert models.current() == V3
        plain = ModelRegistry(models.folder)
        assert recwatch(*argv).out.startswith(f"als: {V2} is in service (before: {V3})")
        assert (plain.current(), plain.history()[-1].action) == (V2, "rollback")
        answer = recwatch(*argv, "--expected", V3)  # somebody else rolled back already
        assert (answer.code, plain.current()) == (1, V2)
        assert recwatch(*argv).code == 0
        for dry in ([], ["--dry-run"]):
            answer = recwatch(*argv, *dry)
            assert (answer.code, "nothing to roll back to" in answer.err) == (1, True)


class TestPrune:
    def test_old_versions_are_deleted(self, recwatch: Command, models: ModelRegistry) -> None:
        argv = ["models", "prune", "als", "--keep", "1", "--min-age", "0"]
        (models.folder / "history.jsonl").unlink()  # so that v2 is not the one to go back to
        assert recwatch(*argv, "--dry-run").out == f"als: would delete {V1}\nals: would delete {V2}\n"
        assert len(models.versions()) == 4
        answer = recwatch(*argv, "--json")
        assert json.loads(answer.out) == {"model": "als", "deleted": [V1, V2], "dry_run": False}
        assert models.versions() == [V3, V4]
        assert recwatch(*argv).out == "als: nothing to delete\n"


def test_without_models_it_says_where_it_looked(recwatch: Command, home: Path, tmp_path: Path) -> None:
    for argv in (["list"], ["list", "als"], ["history", "als"]):
        answer = recwatch("models", *argv)
        assert (answer.code, answer.err.count("\n")) == (1, 1)
        assert answer.err.startswith(f"recwatch: there are no models in {home}/artifacts: ")
    answer = recwatch("models", "list", "--artifacts", str(tmp_path))
    assert answer.err.startswith(f"recwatch: there are no models in {tmp_path}")


@pytest.mark.usefixtures("models")
def test_a_damaged_history_costs_one_line(recwatch: Command, home: Path) -> None:
    (home / "artifacts" / "als" / "history.jsonl").write_text("x\n")
    answer = recwatch("models", "list")
    assert (answer.code, answer.err.count("\n")) == (1, 1)
    assert "remove that line" in answer.err
