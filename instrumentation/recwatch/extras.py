"""Say how to install a package that is missing, at the place where it is imported."""

__all__ = ["lacking"]


def lacking(error: ModuleNotFoundError, requirement: str) -> ModuleNotFoundError:
    """Make an error that says what to install, to be raised from the one that came.

    Args:
        error: what the import raised.
        requirement: as pip takes it: an extra of recwatch, or the package.
    """
    return ModuleNotFoundError(f"{error}: pip install '{requirement}'", name=error.name, path=error.path)
