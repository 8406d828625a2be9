"""What the service holds: the version in service, what it knows of users, and the log of what they do."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from recommender.catalogue import Catalogue
from recommender.data import ensure_history, read_all, read_catalogue
from recommender.embeddings import TitleEmbeddings, current_titles
from recommender.factors import FactorModel
from recommender.interaction_log import InteractionLog, Record
from recommender.interactions import RATING
from recommender.memory import Memory
from recommender.paths import Home
from recommender.recommend import Recommendation, Shelf, Wish, recommend
from recwatch.registry import ModelRegistry

MODEL_FILE = "model.npz"


@dataclass(frozen=True, eq=False)
class InService:
    """One version, loaded whole. A request takes it once and keeps it to its end, whatever comes meanwhile.

    Attributes:
        version: None before the first promotion.
        trained_at: aware; None before the first promotion.
        shelf: what it recommends from.
    """

    version: str | None
    trained_at: datetime | None
    shelf: Shelf


def load_in_service(home: Home, model: str, catalogue: Catalogue) -> InService:
    """Load the version that the registry names, and the title embeddings in service.

    Raises:
        RegistryError: when the registry is damaged.
        ModelError: when a file of the version is.
    """
    registry = ModelRegistry(home.artifacts(model))
    version = registry.current()
    titles_file = current_titles(home)
    titles = None if titles_file is None else TitleEmbeddings.read(titles_file)
    if version is None:
        return InService(None, None, Shelf(catalogue, titles=titles))
    factors = FactorModel.load(registry.path(version) / MODEL_FILE)
    return InService(version, registry.manifest(version).trained_at, Shelf(catalogue, factors, titles))


class Engine:
    """The service without HTTP. Safe to use from several threads.

    Args:
        home: where data and artifacts lie; history is made where it is missing.
        model: the model to serve, such as `als`.
        dropped: called with the number of interactions that could not be written and gave way to new ones.

    Raises:
        DataError: when history, log or catalogue cannot be used.
    """

    def __init__(self, home: Home, model: str, *, dropped: Callable[[int], object] = lambda _: None) -> None:
        ensure_history(home)
        self.home = home
        self.model = model
        self.catalogue = read_catalogue(home)
        self.memory = Memory(self.catalogue, read_all(home))
        self.log = InteractionLog(home.interactions, dropped=dropped)
        self.in_service = InService(None, None, Shelf(self.catalogue))
        self._reloading = threading.Lock()

    def reload(self) -> tuple[InService, InService]:
        """Load what the registry names now; the version in service stays until the new one is ready.

        Returns:
            What was in service before, and what is now.

        Raises:
            RegistryError: when the registry is damaged; nothing changes then.
            ModelError: when a file of the version is; nothing changes then.
        """
        with self._reloading:
            old = self.in_service
            new = load_in_service(self.home, self.model, self.catalogue)
            self.in_service = new
        return old, new

    def recommend(self, in_service: InService, wish: Wish) -> Recommendation:
        """Recommend from one version with all that is known by now."""
        rated = self.memory.rated(wish.user_id)
        return recommend(wish, in_service.shelf, rated, self.memory.popularity())

    def accept(self, record: Record) -> None:
        """Take what a user did into the log's next batch; a rating counts at once."""
        if record.event == RATING and record.rating is not None:
            self.memory.add(record.user_id, record.item_id, record.rating)
        self.log.append(record)
