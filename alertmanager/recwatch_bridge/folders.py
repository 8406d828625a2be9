"""Whether a folder can be used, found out by trying: permissions alone do not tell of every file system."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory


def why_unwritable(folder: Path) -> str | None:
    """Say why nothing can be written into a folder, or below the one in which it would be made.

    Nothing is left behind, and a folder that is not there is not made.
    """
    place = folder
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        return f"{place} is not a folder"
    try:
        with TemporaryDirectory(dir=place, prefix=".recwatch-check-"):
            return None
    except OSError as error:
        return f"{place} cannot be written to ({error.strerror})"
