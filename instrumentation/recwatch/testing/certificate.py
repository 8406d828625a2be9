"""Certificates for the fake ends, signed by themselves: for tests, never for anything else."""

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from recwatch.errors import RecwatchError

__all__ = ["Certificate", "make_certificate"]

_DAYS = 30


@dataclass(frozen=True)
class Certificate:
    """A server's certificate and its key, as files in PEM. Who is to trust the server trusts `file`."""

    file: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """What a server needs to speak TLS."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.file, self.key)
        return context


def make_certificate(folder: Path, name: str = "127.0.0.1", *, days: int = _DAYS) -> Certificate:
    """Make a certificate for a server.

    Args:
        folder: where its two files go; a second certificate in one folder takes the place of the first.
        name: the server's name or address, as clients know it.
        days: how long it is valid; below 0 it has expired already.

    Raises:
        RecwatchError: when the program `openssl` is missing or refuses.
    """
    program = shutil.which("openssl")
    if program is None:
        raise RecwatchError("openssl is missing: install it to make certificates for tests")
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    command = [program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", str(days), "-subj", f"/CN={name}", "-addext", f"subjectAltName={_kind(name)}:{name}"]
    command += ["-out", str(made.file), "-keyout", str(made.key)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise RecwatchError(f"openssl made no certificate: {done.stderr.strip()[-300:]}")
    return made


def _kind(name: str) -> str:
    try:
        ip_address(name)
    except ValueError:
        return "DNS"
    return "IP"
