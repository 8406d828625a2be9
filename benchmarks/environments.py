"""An environment for each library that recwatch is compared with: `.bench/<name>`, made once and used again.

Each gets the versions of FastAPI, Starlette and prometheus_client that recwatch runs with here, so that only
the middlewares differ.
"""

import subprocess
import sys
import venv
from importlib.metadata import version
from pathlib import Path

__all__ = ["PEERS", "python_of"]

# Pinned: a peer that becomes quicker or slower is to show when we say so.
PEERS = {
    "prometheus-fastapi-instrumentator": "prometheus-fastapi-instrumentator==8.1.0",
    "starlette_exporter": "starlette_exporter==0.24.0",
}
_SHARED = ("fastapi", "starlette", "prometheus_client")
_FOLDER = Path(__file__).parent.parent / ".bench"


def python_of(name: str) -> Path:
    """The Python of a peer's environment, which is made if it is missing or was made for other versions.

    Raises:
        subprocess.CalledProcessError: when a package cannot be installed.
    """
    folder = _FOLDER / name
    python = folder / "bin" / "python"
    packages = [PEERS[name], *(f"{package}=={version(package)}" for package in _SHARED)]
    marker = folder / "installed.txt"
    if not marker.exists() or marker.read_text().split() != packages:
        print(f"making {folder} with {', '.join(packages)}", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        install = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *packages]
        subprocess.run(install, check=True, stdout=sys.stderr)
        marker.write_text("\n".join(packages))
    return python
