"""What the tests of sources share: windows over files."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.connections import Connections, connections
from recwatch_exporter.sources.files import open_files
from recwatch_exporter.sources.view import View
from recwatch_exporter.sources.window import Window


@pytest.fixture
def opened(deadline: Deadline) -> Iterator[Connections]:
    with connections(deadline) as found:
        yield found


@pytest.fixture
def window(opened: Connections, tmp_path: Path) -> Callable[..., Window]:
    """A window over files: `window(path, side="reference")`."""

    def make(*files: Path, side: str = "current", engines: Connections | None = None) -> Window:
        local = (engines or opened).local
        view = View(side, str(files[0]), local, open_files(local, files, tmp_path)) if files else None
        return Window(side, view, local)

    return make
