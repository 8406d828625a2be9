from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis.strategies import DataObject, data, integers, lists

from recwatch.testing.faults import Fault
from recwatch.testing.github import GithubServer, WorkflowRun, zipped
from recwatch_bridge.errors import ResultError
from recwatch_bridge.retraining.launchers.base import Ended, LaunchError, Order, Running
from recwatch_bridge.retraining.launchers.http import github as module
from recwatch_bridge.retraining.launchers.http.github import GithubApi, read_archive
from recwatch_bridge.retraining.launchers.http.launcher import HttpLauncher

TOKEN = "a-secret-word"
RESULT = {"version": "v2", "metrics": {}, "samples": 1}


@pytest.fixture
def server() -> Iterator[GithubServer]:
    with GithubServer(token=TOKEN) as opened:
        yield opened


def launcher(server: GithubServer, *, token: str = TOKEN, workflow: str = "retrain.yml") -> HttpLauncher:
    api = GithubApi(server.url, repository="example/shop", workflow=workflow, ref="main", token=token)
    return HttpLauncher(api, poll=0.0, patience=0.0)


def test_artifact_comes_from_another_host_which_sees_no_token(server: GithubServer, order: Order) -> None:
    launch = launcher(server)
    handle = launch.launch(order)
    server.runs[0].finish(result=RESULT)
    # The fake's storage refuses a request that shows the token, as the real one does.
    assert launch.look(order, handle) == Ended(
        0, log_url=f"{server.url}/example/shop/actions/runs/{server.runs[0].number}"
    )
    assert any(path.startswith("/storage/") for _, path in server.requests)


def test_found_by_the_whole_run_id_among_many(server: GithubServer, order: Order) -> None:
    launch = launcher(server)
    others = [Order(f"{order.run_id}-{number}", "als", "", order.folder) for number in range(3)]
    launch.launch(order)
    for other in others:
        launch.launch(other)
    server.runs += [WorkflowRun(5_000 + number, f"retrain bpr-{number}", {}) for number in range(150)]
    found = launch.look(order, None)
    assert isinstance(found, Running)
    assert found.handle["run"] == server.runs[0].number


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"token": "another-word"}, "GitHub did not take the workflow: it answered 401: Bad credentials"),
        ({"workflow": "none.yml"}, "GitHub did not take the workflow: it answered 404: Not Found"),
    ],
)
def test_refusals_are_said_in_its_words(
    server: GithubServer, order: Order, options: dict[str, str], said: str
) -> None:
    with pytest.raises(LaunchError) as caught:
        launcher(server, **options).launch(order)
    assert str(caught.value) == said


def test_a_workflow_without_the_run_name_is_told_what_to_do(order: Order) -> None:
    with GithubServer(token=TOKEN, run_name="retrain") as server:
        launch = launcher(server)
        found = launch.look(order, launch.launch(order))
    assert isinstance(found, Ended)
    assert found.error is not None
    assert found.error.endswith("set the workflow's run-name as documented")


def test_the_newest_artifact_of_that_name_counts(server: GithubServer, order: Order) -> None:
    launch = launcher(server)
    handle = launch.launch(order)
    run = server.runs[0]
    run.artifacts["logs"] = b"no zip file"
    run.artifacts[f"recwatch-{order.run_id}x"] = b"no zip file"
    run.finish(result=RESULT)
    assert isinstance(found := launch.look(order, handle), Ended)
    assert found.error is None


def test_a_bad_artifact_fails_the_run(server: GithubServer, order: Order) -> None:
    launch = launcher(server)
    handle = launch.launch(order)
    server.runs[0].artifacts[f"recwatch-{order.run_id}"] = b"no zip file"
    server.runs[0].finish()
    assert isinstance(found := launch.look(order, handle), Ended)
    assert found.error is not None
    assert "it is no zip file that can be read" in found.error


@given(data())
def test_a_damaged_archive_is_no_surprise(drawn: DataObject) -> None:
    archive = bytearray(zipped({"result.json": b'{"version": "v2"}' * 20}))
    for place in drawn.draw(lists(integers(0, len(archive) - 1), max_size=4)):
        archive[place] = drawn.draw(integers(0, 255))
    with suppress(ResultError):
        read_archive(bytes(archive[: drawn.draw(integers(0, len(archive)))]))


def test_archives(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_archive(zipped({"result.json": b"{}", "notes.txt": b"x"})) == b"{}"
    whole = zipped({"result.json": b"{}" * 50})
    with pytest.raises(ResultError, match=r"no file result.json at its root"):
        read_archive(zipped({"out/result.json": b"{}"}))
    for broken in (b"", b"PK", whole[:-30], whole.replace(whole[40:44], b"\0\0\0\0")):
        with pytest.raises(ResultError, match="no zip file that can be read"):
            read_archive(broken)
    # What it says of its size is not believed: reading stops at the limit.
    monkeypatch.setattr(module, "MAX_BYTES", 1_000)
    with pytest.raises(ResultError, match="larger than 1000 bytes"):
        read_archive(zipped({"result.json": b"0" * 10_000_000}))


def test_a_repository_that_the_token_may_not_see_for_a_while_loses_no_run(
    server: GithubServer, order: Order
) -> None:
    launch = launcher(server)
    handle = launch.launch(order)
    found = launch.look(order, handle)
    assert isinstance(found, Running)
    # GitHub answers 404, not 403, for the run and for everything else.
    server.misbehave(Fault(404), 2)
    assert launch.look(order, found.handle) == found
    server.misbehave(Fault(404))
    lost = launch.look(order, found.handle)
    assert isinstance(lost, Ended)
    assert lost.error == GithubApi.lost
