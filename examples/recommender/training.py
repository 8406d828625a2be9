"""One training from start to end: split, fit, judge, compare with what is in service, publish."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from recommender import times
from recommender.comparison import Result, compare
from recommender.data import DEFAULT_START, data_version, ensure_history, read_all
from recommender.embeddings import copy_titles
from recommender.engine import MODEL_FILE
from recommender.errors import TrainingError
from recommender.factors import FactorModel
from recommender.fitters import Parameters
from recommender.fitting import DEFAULTS, SCHEDULES, TARGET, Fit, Progress, fit, refit, search
from recommender.interactions import Interactions, write_interactions
from recommender.judge import judge
from recommender.paths import Home
from recommender.splits import Split, split_by_user_and_time
from recommender.training_set import TrainingSet
from recwatch.provenance import git_commit
from recwatch.registry import Manifest, ModelRegistry
from recwatch.training import TrainingRun

REFERENCE_FILE = "reference.parquet"
TITLES_FILE = "titles.parquet"


@dataclass(frozen=True)
class Job:
    """What to train, on what.

    Attributes:
        model: `als` or `bpr`.
        home: where data lies and artifacts go.
        until: ratings before that, aware; None for all.
        window: train on so much time before `until`, or before the newest rating; None for all.
        auto_select: search the hyper-parameters instead of taking the defaults.
        seed: of everything random.
        start: where history ends, when it has to be made first; aware.
        reference_window: how much of the newest data the drift reference holds.
        run_id: name of the run; None lets recwatch make one.
        pushgateway: host:port that the run's metrics are pushed to; None for nowhere.
        registry: of the run's metrics.
    """

    model: str
    home: Home
    until: datetime | None = None
    window: timedelta | None = None
    auto_select: bool = False
    seed: int = 0
    start: datetime = DEFAULT_START
    reference_window: timedelta = timedelta(days=60)
    run_id: str | None = None
    pushgateway: str | None = None
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)


@dataclass(frozen=True)
class Data:
    """What a training works on.

    Attributes:
        ratings: all that the job may know.
        known: of these, all that comes before the hold-out.
        held_out: each user's newest fifth, which nobody trains on.
        train: of what is known, the job's window.
        inner: `train` again cut by user and time, for early stopping and the search.
        arrived: when the newest of the ratings came in; the replay's events happened long before.
    """

    ratings: Interactions
    known: Interactions
    held_out: Interactions
    train: Interactions
    inner: Split
    arrived: datetime

    @property
    def newest_event(self) -> datetime:
        """Time of the newest rating."""
        return times.to_datetime(self.ratings.timestamp.max())


def prepare(job: Job) -> Data:
    """Read and split the ratings.

    Raises:
        DataError: when a file cannot be used.
        TrainingError: when the job leaves nothing to train on.
    """
    ensure_history(job.home, start=job.start)
    until = None if job.until is None else times.to_datetime64(job.until)
    ratings = read_all(job.home).between(None, until).ratings()
    if not len(ratings):
        raise TrainingError(f"there is no rating before {job.until}: take a later --until")
    split = split_by_user_and_time(ratings)
    in_window = split.train
    if job.window is not None:
        # The window comes after the split: a hold-out is a user's newest ratings of all times (splits.py).
        end = ratings.timestamp.max() if until is None else until
        in_window = in_window.between(end - np.timedelta64(job.window), None)
    inner = split_by_user_and_time(in_window)
    return Data(ratings, split.train, split.held_out, in_window, inner, _arrived(job.home, ratings))


def _arrived(home: Home, ratings: Interactions) -> datetime:
    """When the newest rating came in: history, whose events are of another century, when it was imported."""
    imported = datetime.fromtimestamp(home.history.stat().st_mtime, UTC)
    return max(imported, times.to_datetime(ratings.observed_at.max()))


def train(job: Job, tell: Callable[[str], object] = lambda _: None) -> Result:
    """Train, publish a version and compare it with the one in service. Nothing is promoted.

    Args:
        job: what to train.
        tell: gets lines for a person to read.

    Raises:
        DataError: when a file cannot be used.
        TrainingError: when there is nothing to train on or nobody to validate with.
        RegistryError: when the registry is damaged.
        ModelError: when the version in service is.
    """
    with ExitStack() as stack:
        # Threads inside BLAS and threads of implicit get in each other's way; implicit warns of that.
        stack.enter_context(threadpool_limits(1, "blas"))
        data, parameters = _begin(job, tell)
        run = stack.enter_context(_run(job, parameters, data))
        found = fit(
            job.model,
            parameters,
            train=data.inner.train,
            validation=data.inner.held_out,
            schedule=SCHEDULES[job.model],
            seed=job.seed,
            watch=partial(_report, run, _details(job, data)),
        )
        if found.stopped_early:
            run.early_stopping(found.best_iteration, found.metrics)
        model = refit(job.model, parameters, data.train, iterations=found.best_iteration, seed=job.seed)
        judged = judge(model, known=data.known, held_out=data.held_out)
        popular = TrainingSet.of(data.train).popularity()
        baseline = judge(popular, known=data.known, held_out=data.held_out)
        run.evaluation(judged.metrics(), baseline=baseline.metrics())
        version, path = _publish(job, data, found, model, judged.metrics())
        run.saved(path)
        return compare(
            version, model, _in_service(job), judged=judged, known=data.known, held_out=data.held_out
        )


def _begin(job: Job, tell: Callable[[str], object]) -> tuple[Data, Parameters]:
    """Data and hyper-parameters; what stops this already is a failed run, as it would be later."""
    try:
        data = prepare(job)
        return data, _select(job, data, tell) if job.auto_select else DEFAULTS[job.model]
    except BaseException:  # SystemExit among them: SIGTERM may come while hyper-parameters are searched
        with _run(job, {}, None):
            raise


def _run(job: Job, parameters: Parameters, data: Data | None) -> TrainingRun:
    rounds = "epochs" if job.model == "bpr" else "iterations"
    return TrainingRun(
        job.model,
        parameters={**parameters, rounds: SCHEDULES[job.model].iterations, "seed": job.seed},
        artifacts=job.home.artifacts(job.model),
        store_url=job.home.store_url,
        log_dir=job.home.training_logs,
        push=job.pushgateway,
        run_id=job.run_id,
        data_version=None if data is None else data_version(data.ratings),
        data_timestamp=None if data is None else data.arrived,
        commit=git_commit(Path(__file__).parent),
        registry=job.registry,
    )


def _details(job: Job, data: Data) -> dict[str, int]:
    """What an epoch's log line says besides the loss: BPR draws as many samples as there are ratings."""
    return {"samples": len(data.inner.train)} if job.model == "bpr" else {}


def _report(run: TrainingRun, details: Mapping[str, int], progress: Progress) -> None:
    run.iteration(progress.iteration, progress.total, loss=progress.loss, seconds=progress.seconds, **details)
    if progress.metrics is not None:
        run.validation(progress.metrics)


def _select(job: Job, data: Data, tell: Callable[[str], object]) -> Parameters:
    def describe(found: Fit) -> str:
        pairs = ", ".join(f"{name}={value:g}" for name, value in found.parameters.items())
        return f"{pairs}: {TARGET}={found.metrics[TARGET]:.4f} at {found.best_iteration}"

    best = search(
        job.model,
        train=data.inner.train,
        validation=data.inner.held_out,
        schedule=SCHEDULES[job.model],
        seed=job.seed,
        watch=lambda found: tell(describe(found)),
    )
    tell(f"selected {describe(best)}")
    return best.parameters


def _in_service(job: Job) -> FactorModel | None:
    registry = ModelRegistry(job.home.artifacts(job.model))
    version = registry.current()
    return None if version is None else FactorModel.load(registry.path(version) / MODEL_FILE)


def _publish(
    job: Job, data: Data, found: Fit, model: FactorModel, metrics: Mapping[str, float]
) -> tuple[str, Path]:
    registry = ModelRegistry(job.home.artifacts(job.model))
    trained_at = times.now()
    version = registry.new_version(trained_at)
    manifest = Manifest(
        model=job.model,
        version=version,
        trained_at=trained_at,
        data_version=data_version(data.ratings),
        newest_event=data.newest_event,
        parameters={**found.parameters, "iterations": found.best_iteration, "seed": job.seed},
        metrics=dict(metrics),
        git_commit=git_commit(Path(__file__).parent),
    )
    # The newest slice of all that was known, hold-out included: drift is measured from where knowledge ended.
    since = data.ratings.timestamp.max() - np.timedelta64(job.reference_window)
    with registry.publish(version) as folder:
        model.save(folder / MODEL_FILE)
        write_interactions(folder / REFERENCE_FILE, data.ratings.between(since, None))
        copy_titles(job.home, folder / TITLES_FILE, push=job.pushgateway)
        manifest.write(folder)
    return version, registry.path(version)
