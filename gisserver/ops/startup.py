"""The city in one command: database, schema, demo city, accounts, services, until Ctrl-C."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from config.settings import ROOT, Settings
from gisserver.commands import COMMANDS
from gisserver.ops.address import take_address
from gisserver.ops.city_cluster import make_cluster, read_cluster
from gisserver.ops.cluster import Cluster
from gisserver.ops.database import city_dsn
from gisserver.ops.logs import Logs
from gisserver.ops.readiness import wait_ready
from gisserver.ops.run_record import Run
from gisserver.ops.saying import Teller
from gisserver.ops.supervisor import Program, Supervisor
from layers.errors import Unavailable

__all__ = ["Startup", "VerbFailed"]

READY_S = 90
PREPARED_FROM = ("layers/sql", "config/layers", "config/standards")
TRIM_S = 60


class VerbFailed(Exception):
    """A step that runs as a command of its own failed, and has said why."""

    def __init__(self, verb: str, code: int) -> None:
        super().__init__(verb)
        self.verb, self.code = verb, code


class Startup:
    """The steps of a start, in their order. Each can be repeated; a start that is interrupted leaves nothing half done."""

    def __init__(self, settings: Settings, run: Run, teller: Teller) -> None:
        self.settings, self.run, self.teller = settings, run, teller
        self.supervisor = Supervisor(run, teller)
        self.logs = Logs(settings.var)
        self.state_path = settings.var / "city.json"

    def listen(self) -> socket.socket:
        """Take the address before anything is started. Raises Unavailable if somebody else has it.

        The socket belongs to the supervisor, so that a server process may end and come back while others go on.
        """
        return take_address(self.settings)

    def clean_up(self) -> None:
        """End what a killed run left, the database of it included."""
        if self.run.left is not None:
            self.teller.warn("The last run was killed; cleaning up what it left …", "上次运行被强行终止，正在清理其遗留……")
            self.run.end_leftovers()
            if cluster := read_cluster(self.settings.var):
                cluster.stop()
        self.run.begin()

    def database(self) -> None:
        """Start the private cluster, made when missing; nothing where the settings name a database."""
        if self.settings.database_url is not None:
            if self._state().get("demo") == "loading":
                raise Unavailable("The demo city was interrupted while it was loaded into the database of GIS_DATABASE_URL. "
                                  f"Give an empty database, and delete {self.state_path}.")
            return
        var = self.settings.var
        cluster = read_cluster(var)
        if cluster is None:
            self.teller.say("Making the database cluster …", "正在创建数据库……")
            cluster = make_cluster(var)
        if not cluster.answers():
            process = self.supervisor.start(Program("The database", "数据库", cluster.spawn, cluster.stop, grace_s=30))
            cluster.wait(process)
        if self._state().get("demo") == "loading":
            self._start_anew(cluster)
        if cluster.ensure_database():
            # what is noted was true of another database
            self.state_path.unlink(missing_ok=True)

    def prepare(self) -> None:
        """Migrate and apply the definitions of the layers; nothing where neither they nor the database are others than last time."""
        mark = self._definitions()
        if self._state().get("prepared") != mark:
            self.verb("migrate")
            self._note(prepared=mark)

    def first_start(self, *, empty: bool) -> None:
        """Load the demo city, unless told not to or done before."""
        state = self._state()
        if "demo" not in state and "demo" in COMMANDS and not empty:
            self._note(demo="loading")
            self.verb("demo", "--if-empty")
        if state.get("demo") != "loaded":
            self._note(demo="none" if empty or "demo" not in COMMANDS else "loaded")

    def accounts(self) -> None:
        """Make the accounts of the first start, and show their passwords this once."""
        if self._state().get("accounts") != "made":
            self.verb("user", "bootstrap")
            self._note(accounts="made")

    def services(self, listening: socket.socket) -> None:
        """Start the server processes and the job worker, and wait until the city answers.

        Raises Unavailable with the server's last words if it does not.
        """
        listening.set_inheritable(True)
        fd = listening.fileno()
        servers = [self.supervisor.start(Program(f"Server process {number}", f"服务进程 {number} ",
                                                 self._spawner("server", "serve", "--fd", str(fd), pass_fds=(fd,))))
                   for number in range(1, self.settings.processes + 1)]
        if "work" in COMMANDS:
            self.supervisor.start(Program("The job worker", "后台任务进程", self._spawner("worker", "work")))
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.settings.bind, self.settings.bind)
        if not wait_ready(host, self.settings.port, READY_S, hopeful=lambda: any(server.poll() is None for server in servers)):
            raise Unavailable(f"The server did not become ready. Its last words:\n{self.logs.last_words('server')}")

    def watch(self) -> None:
        """Keep all alive until the supervisor is told to end."""
        next_trim = time.monotonic() + TRIM_S

        def go_on() -> bool:
            nonlocal next_trim
            if time.monotonic() > next_trim:
                next_trim = time.monotonic() + TRIM_S
                self.logs.trim()
            return True

        self.supervisor.watch(go_on)

    def verb(self, *arguments: str) -> None:
        """Run a command of `gis` as a process of its own, in this terminal. Raises VerbFailed."""
        done = subprocess.run(self._command(*arguments), env=self._environment(), stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise VerbFailed(arguments[0], done.returncode)

    def _definitions(self) -> str:
        """Return a fingerprint of all that `gis migrate` reads, and of the database it writes to."""
        found = hashlib.sha256(city_dsn(self.settings).encode())
        for path in sorted([self.settings.city, *(path for folder in PREPARED_FROM for path in (ROOT / folder).rglob("*.*"))]):
            found.update(f"{path}\0".encode() + path.read_bytes())
        return found.hexdigest()

    def _spawner(self, log: str, *arguments: str, pass_fds: tuple[int, ...] = ()) -> Callable[[], subprocess.Popen[bytes]]:
        def spawn() -> subprocess.Popen[bytes]:
            with self.logs.open(log) as out:
                return subprocess.Popen(self._command(*arguments), env=self._environment(), stdin=subprocess.DEVNULL,
                                        stdout=out, stderr=out, pass_fds=pass_fds, start_new_session=True)

        return spawn

    @staticmethod
    def _command(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "gisserver.cli", *arguments]

    def _environment(self) -> dict[str, str]:
        # The folder of the project, not the working folder, is where the packages come from.
        return {**os.environ, **self.run.environment(), "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1",
                "PYTHONUNBUFFERED": "1"}

    def _start_anew(self, cluster: Cluster) -> None:
        # Nobody was served yet when the demo city was interrupted: there is nothing of anybody's in it.
        self.teller.warn("The demo city was interrupted while it was loaded; it is made anew.",
                         "示范城市上次未装载完成，现在重新创建。")
        cluster.drop_database()
        self.state_path.unlink()

    def _state(self) -> dict[str, str]:
        try:
            state: dict[str, str] = json.loads(self.state_path.read_text())
        except (OSError, ValueError):
            return {}
        return state

    def _note(self, **values: str) -> None:
        draft = Path(f"{self.state_path}.new")
        draft.write_text(json.dumps(self._state() | values) + "\n")
        draft.replace(self.state_path)
