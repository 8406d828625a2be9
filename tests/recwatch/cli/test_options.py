from argparse import Namespace
from pathlib import Path

from recwatch.cli.options import Options


def test_without_anything_everything_is_here() -> None:
    options = Options.of(Namespace(store=None, artifacts=None), {})
    assert (options.store, options.artifacts) == ("sqlite:///data/store.db", Path("artifacts"))


def test_everything_is_under_the_home_that_the_environment_names() -> None:
    options = Options.of(Namespace(store=None, artifacts=None), {"RECWATCH_HOME": "/srv"})
    assert (options.store, options.artifacts) == ("sqlite:////srv/data/store.db", Path("/srv/artifacts"))


def test_what_is_empty_is_unset() -> None:
    options = Options.of(Namespace(store=None, artifacts=None), {"RECWATCH_HOME": "", "RECWATCH_STORE": ""})
    assert options.store == "sqlite:///data/store.db"


def test_the_command_line_goes_before_the_environment() -> None:
    environment = {"RECWATCH_HOME": "/srv", "RECWATCH_STORE": "sqlite:///b"}
    assert Options.of(Namespace(store=None, artifacts=None), environment).store == "sqlite:///b"
    options = Options.of(Namespace(store="sqlite:///a", artifacts=Path("x")), environment)
    assert (options.store, options.artifacts) == ("sqlite:///a", Path("x"))


def test_a_path_is_a_file_of_sqlite() -> None:
    given = Namespace(store="data/store.db", artifacts=None)
    assert Options.of(given, {}).store == "sqlite:///data/store.db"
    unsaid = Namespace(store=None, artifacts=None)
    assert Options.of(unsaid, {"RECWATCH_STORE": "/srv/store.db"}).store == "sqlite:////srv/store.db"
