"""How a trainer is started: one model for each launcher."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from recwatch.config import Duration, Strict
from recwatch.durations import parse_duration
from recwatch_bridge.config.values import NOTHING, HttpRoot, RelativePath, Some, Word, without_nul


class Command(Strict):
    """A trainer that is a process: a fixed argument list, never a shell line."""

    type: Literal["command"]
    argv: Some[Annotated[str, Field(min_length=1), AfterValidator(without_nul)]]
    cwd: RelativePath = Field(default=Path(), validate_default=True)


class Celery(Strict):
    """A trainer that is a Celery task; its run id is the task's id, its return value the result.

    Both files hold an address of Redis; results are in the broker's unless `results_file` names another.
    """

    type: Literal["celery"]
    broker_file: RelativePath
    results_file: RelativePath | None = None
    task: Annotated[str, Field(min_length=1, max_length=200)]
    queue: Word = "celery"


class _Http(Strict):
    """What the trainers behind an HTTP API share."""

    type: Literal["http"]
    poll: Duration = parse_duration("5s")

    @model_validator(mode="after")
    def _above_nothing(self) -> Self:
        if self.poll <= NOTHING:
            raise ValueError("poll must be above 0")
        return self


def _is_repository(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", value) is None:
        raise ValueError("is not a repository: write it as owner/name")
    return value


def _is_ref(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,199}", value) is None:
        raise ValueError("is not a branch or a tag: write it as main or v1.2")
    return value


class GithubLauncher(_Http):
    """A trainer that is a workflow of GitHub Actions, started by `workflow_dispatch`."""

    api: Literal["github"]
    url: HttpRoot = "https://api.github.com"
    repository: Annotated[str, AfterValidator(_is_repository)]
    workflow: Word
    ref: Annotated[str, AfterValidator(_is_ref)] = "main"
    token_file: RelativePath


class AirflowLauncher(_Http):
    """A trainer that is a DAG of Airflow, by its REST API: version 2 (`/api/v1`) or 3 (`/api/v2`)."""

    api: Literal["airflow2", "airflow3"]
    url: HttpRoot
    dag: Word
    result_task: Word
    user: str
    password_file: RelativePath


class PlainHttp(_Http):
    """A trainer behind a small service of one's own; docs/bridge.md has its three requests."""

    api: Literal["plain"]
    url: HttpRoot
    token_file: RelativePath | None = None


_APIS: dict[str, type[GithubLauncher | AirflowLauncher | PlainHttp]] = {
    "github": GithubLauncher,
    "airflow2": AirflowLauncher,
    "airflow3": AirflowLauncher,
    "plain": PlainHttp,
}


def _chosen(value: Any, info: ValidationInfo) -> Any:
    """Read a mapping by the model that its `type` and `api` name.

    A discriminated union would do the same, but put its tags into the key of every mistake.
    """
    if isinstance(value, Strict):
        return value
    if not isinstance(value, dict):
        raise ValueError("must be a mapping: write {type: command, argv: [...]}")  # noqa: TRY004 - pydantic's
    models: dict[str, type[Strict] | None] = {"command": Command, "celery": Celery, "http": None}
    if "type" not in value or value["type"] not in list(models):
        raise ValueError(f"type must be command, celery or http{_written(value, 'type')}")
    model = models[value["type"]]
    if model is None:
        if value.get("api") not in list(_APIS):
            raise ValueError(f"api must be github, airflow2, airflow3 or plain{_written(value, 'api')}")
        model = _APIS[value["api"]]
    return model.model_validate(value, context=info.context)


def _written(value: dict[Any, Any], key: str) -> str:
    found = value.get(key)
    return f", not {found:.40}" if isinstance(found, str) and found.isprintable() else ""


Launcher = Annotated[
    Command | Celery | GithubLauncher | AirflowLauncher | PlainHttp, BeforeValidator(_chosen)
]
