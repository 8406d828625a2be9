import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest
import requests
from prometheus_client import CollectorRegistry

from recommender.factors import FactorModel
from recommender.paths import Home
from recommender.settings import Settings
from recwatch.testing import wait_until

TOKEN = "let me in"  # as the fixture `settings` has it
BEARER = {"Authorization": f"Bearer {TOKEN}"}
STRANGER = 1_000_000


class Running(Protocol):
    @property
    def url(self) -> str: ...
    def post(self, path: str, body: object, **headers: str) -> requests.Response: ...
    def get(self, path: str) -> requests.Response: ...


Serve = Callable[[Settings], AbstractContextManager[Running]]
PublishModel = Callable[[Home, FactorModel], str]


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, {"model": "als", **labels})


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}])
def test_a_reload_without_the_token_is_refused(
    serve: Serve, settings: Settings, header: dict[str, str]
) -> None:
    with serve(settings) as service:
        answer = service.post("/admin/reload", None, **header)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert TOKEN not in answer.text


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_without_a_token_file_every_reload_is_refused(
    serve: Serve, settings: Settings, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "other"
    if content is not None:
        file.write_text(content)
    with serve(replace(settings, admin_token_file=file)) as service:
        answer = service.post("/admin/reload", None, Authorization="Bearer ")
    assert answer.status_code == 403
    assert "RECWATCH_ADMIN_TOKEN_FILE" in answer.json()["error"]


def test_a_damaged_version_leaves_the_old_one_in_service(  # noqa: PLR0917 - fixtures
    serve: Serve,
    settings: Settings,
    version: str,
    publish_model: PublishModel,
    trained: FactorModel,
    registry: CollectorRegistry,
) -> None:
    with serve(settings) as service:
        damaged = publish_model(settings.home, trained)
        (settings.home.artifacts("als") / damaged / "model.npz").write_bytes(b"damaged")
        answer = service.post("/admin/reload", None, **BEARER)
        assert answer.status_code == 503
        assert "train and publish again" in answer.json()["error"]
        assert service.get("/readyz").json()["version"] == version
        assert service.post("/recommend", {"user_id": 1}).json()["version"] == version
    assert value(registry, "recommender_model_reloads_total", outcome="error") == 1
    assert value(registry, "recommender_model_info", version=version) == 1


def test_no_request_fails_while_models_are_exchanged(  # noqa: PLR0917 - fixtures
    serve: Serve,
    settings: Settings,
    version: str,
    publish_model: PublishModel,
    trained: FactorModel,
    registry: CollectorRegistry,
) -> None:
    """Six clients ask without a pause while nine new versions come into service."""
    done = threading.Event()
    answers: list[tuple[int, str | None, int]] = []
    failures: list[str] = []

    def ask(url: str, user_id: int) -> None:
        with requests.Session() as http:
            while not done.is_set():
                answer = http.post(f"{url}/recommend", json={"user_id": user_id, "rerank": True}, timeout=20)
                if answer.status_code != 200:
                    failures.append(answer.text)
                    return
                body: dict[str, Any] = answer.json()
                answers.append((user_id, body["version"], len(body["items"])))

    def more_than(count: int) -> Callable[[], bool]:
        return lambda: len(answers) > count or bool(failures)

    with serve(settings) as service:
        users = [*trained.user_id[:5].tolist(), STRANGER]
        clients = [threading.Thread(target=ask, args=[service.url, user]) for user in users]
        for client in clients:
            client.start()
        versions = [version]
        for _ in range(9):
            # Fewer items each time: a mixture of two versions would be out of bounds.
            smaller = replace(
                trained,
                item_id=trained.item_id[len(versions) :],
                item_factors=trained.item_factors[len(versions) :],
            )
            versions.append(publish_model(settings.home, smaller))
            reloaded = service.post("/admin/reload", None, **BEARER).json()
            assert reloaded == {"old": versions[-2], "new": versions[-1]}
            wait_until(more_than(len(answers) + 5), timeout=30)
        done.set()
        for client in clients:
            client.join()
    assert failures == []
    assert {found for _, found, _ in answers} == set(versions)
    assert all(count == 10 for _, _, count in answers)
    outcomes = {"variant": "default"}
    assert value(registry, "recommender_requests_total", outcome="success", **outcomes) == len(answers)
    assert value(registry, "recommender_requests_total", outcome="error", **outcomes) == 0
    assert value(registry, "recommender_model_reloads_total", outcome="success") == 9
    assert value(registry, "recommender_model_info", version=versions[-1]) == 1
    assert value(registry, "recommender_model_info", version=versions[0]) is None
