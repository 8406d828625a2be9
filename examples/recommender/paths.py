"""Where everything lies under one folder, RECWATCH_HOME."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The folder that trainer, service, replayer and drift exporter share.

    Attributes:
        root: the folder itself; subfolders are made when something is written.
    """

    root: Path

    def artifacts(self, name: str) -> Path:
        """The registry folder of a model, or of the title embeddings (`titles`)."""
        return self.root / "artifacts" / name

    @property
    def history(self) -> Path:
        """Interactions from before the replay begins."""
        return self.root / "data" / "history.parquet"

    @property
    def items(self) -> Path:
        """The catalogue: title, year and genres of every film."""
        return self.root / "data" / "items.parquet"

    @property
    def interactions(self) -> Path:
        """Folder of the interaction log, one Parquet file a batch."""
        return self.root / "data" / "interactions"

    @property
    def replay_position(self) -> Path:
        """How far the replayer has come."""
        return self.root / "data" / "replay.json"

    @property
    def store_url(self) -> str:
        """The store of training runs, as SQLAlchemy names it."""
        return f"sqlite:///{self.root / 'data' / 'store.db'}"

    @property
    def training_logs(self) -> Path:
        """Folder of the trainers' logs, one file a model."""
        return self.root / "logs" / "cf"

    @property
    def service_log(self) -> Path:
        """The service's log."""
        return self.root / "logs" / "service" / "recommender.log"
