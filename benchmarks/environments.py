"""An environment for each library that recwatch is compared with: `.bench/<name>`, made once and used again.

A middleware gets the versions of FastAPI, Starlette and prometheus_client that recwatch runs with here, so
that only the middlewares differ; a library that finds drift gets the numpy and pandas that it can work with.
"""

import subprocess
import sys
import venv
from importlib.metadata import version
from pathlib import Path

__all__ = ["DRIFT_PEERS", "PEERS", "python_of"]

# Pinned: a peer that becomes quicker or slower is to show when we say so.
PEERS = {
    "prometheus-fastapi-instrumentator": "prometheus-fastapi-instrumentator==8.1.0",
    "starlette_exporter": "starlette_exporter==0.24.0",
}
DRIFT_PEERS = {
    # 0.11.4, the last one under a free licence, does not install on Python 3.11.
    "alibi-detect": ("alibi-detect==0.13.0", "numpy==1.26.4", "torch==2.13.0"),
    "evidently": ("evidently==0.7.23", "numpy==1.26.4", "pandas==2.3.3"),
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
    packages = _packages(name)
    marker = folder / "installed.txt"
    if not marker.exists() or marker.read_text().split() != packages:
        print(f"making {folder} with {', '.join(packages)}", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        install = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *packages]
        subprocess.run(install, check=True, stdout=sys.stderr)
        marker.write_text("\n".join(packages))
    return python


def _packages(name: str) -> list[str]:
    if name in DRIFT_PEERS:
        return list(DRIFT_PEERS[name])
    return [PEERS[name], *(f"{package}=={version(package)}" for package in _SHARED)]
