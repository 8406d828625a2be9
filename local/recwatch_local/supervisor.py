"""Run the parts under supervisord: a log file each, restarted when they fall, all stopped together."""

import os
import shlex
import subprocess
import sys
import tempfile
import xmlrpc.client
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from recwatch_local.errors import StackError
from recwatch_local.programs import Program

# Marks every process of a run, also those that leave their process group, as a retraining does.
MARK = "RECWATCH_RUN_FOLDER"
_STOP_SECONDS = 60.0


def supervisor_config(socket: Path, parts: Sequence[Program]) -> str:
    """Write supervisord's configuration; its files are named from the run's folder, in which it is started.

    Args:
        socket: where it answers; a short path, since sockets' names are limited to about 100 bytes.
        parts: what to run.
    """
    lines = [
        "[supervisord]",
        "logfile=logs/supervisord.log",
        "pidfile=supervisord.pid",
        "[unix_http_server]",
        f"file={socket}",
        "chmod=0700",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for part in parts:
        lines += [
            f"[program:{part.name}]",
            # A per cent sign begins a variable there.
            f"command={shlex.join(part.argv).replace('%', '%%')}",
            f"directory={part.folder}",
            f"stdout_logfile=logs/{part.name}.log",
            "stdout_logfile_maxbytes=50MB",
            "redirect_stderr=true",
            f"autostart={'false' if part.needs_model else 'true'}",
            "autorestart=true",
            "startretries=3",
            "stopasgroup=true",
            "killasgroup=true",
            f"stopwaitsecs={part.stop_after}",
        ]
    return "\n".join(lines) + "\n"


class Supervisor:
    """supervisord as a child process, with its own configuration.

    Args:
        run: an existing folder for what it writes: its configuration, and `logs/` with a file each part.
        parts: what to run.
        environment: what the parts find in their environment.
    """

    def __init__(self, run: Path, parts: Sequence[Program], environment: Mapping[str, str]) -> None:
        self._run = run
        self._folder = tempfile.TemporaryDirectory(prefix="recwatch-")
        self._socket = Path(self._folder.name) / "supervisord.sock"
        (run / "logs").mkdir(exist_ok=True)
        (run / "supervisord.conf").write_text(supervisor_config(self._socket, parts), encoding="utf-8")
        argv = [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "--silent"]
        # A session of its own: Ctrl-C reaches us alone, and we stop the parts in order.
        self._process = subprocess.Popen(
            [*argv, "--configuration", "supervisord.conf"],
            cwd=run,
            env={**environment, MARK: str(run)},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def states(self) -> dict[str, str]:
        """What supervisord says of each part, such as `RUNNING` or `FATAL`; empty until it answers."""
        self._require_alive()
        try:
            with self._proxy() as proxy:
                answer: Any = proxy.supervisor.getAllProcessInfo()
        except OSError:
            return {}
        except xmlrpc.client.Fault as error:
            raise StackError(f"supervisord is being stopped by somebody else: {error.faultString}") from error
        return {str(item["name"]): str(item["statename"]) for item in answer}

    def start(self, names: Iterable[str]) -> None:
        """Start parts that did not start by themselves."""
        self._require_alive()
        with self._proxy() as proxy:
            for name in names:
                proxy.supervisor.startProcess(name, False)  # noqa: FBT003 - wait, by position in its interface

    def _require_alive(self) -> None:
        if self._process.poll() is not None:
            raise StackError(
                f"supervisord ended with code {self._process.returncode}; see {self._run / 'logs'}"
            )

    def _proxy(self) -> xmlrpc.client.ServerProxy:
        transport = SupervisorTransport(serverurl=f"unix://{self._socket}")
        return xmlrpc.client.ServerProxy("http://localhost", transport=transport)

    def stop(self) -> None:
        """End every part, then whatever they left running, and wait until all are gone."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        end_leftovers(self._run)
        self._folder.cleanup()


def end_leftovers(folder: Path) -> list[int]:
    """End every process of the runs below a folder, a retraining in its own session too; return their ids."""
    left = find_leftovers(folder)
    for process in left:
        _signal(process.terminate)
    _, alive = psutil.wait_procs(left, timeout=10)
    for process in alive:
        _signal(process.kill)
    psutil.wait_procs(alive, timeout=10)
    return [process.pid for process in left]


def find_leftovers(folder: Path) -> list[psutil.Process]:
    """Every process of the runs below a folder, but the one that asks."""
    return [process for process in psutil.process_iter() if _belongs_to(process, folder)]


def _belongs_to(process: psutil.Process, folder: Path) -> bool:
    try:
        mark = process.environ().get(MARK)
    except psutil.Error:
        return False
    return mark is not None and Path(mark).is_relative_to(folder) and process.pid != os.getpid()


def _signal(send: Callable[[], None]) -> None:
    try:
        send()
    except psutil.NoSuchProcess:
        return
