"""The private PostgreSQL cluster of one city: made, started, stopped, never confused with another."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from gisserver.ops.cluster_settings import HBA, cluster_settings
from gisserver.ops.postgres_programs import PostgresPrograms, find_programs
from gisserver.ops.processes import end_processes, processes_in
from gisserver.ops.system_account import SystemAccount
from layers.errors import Unavailable

__all__ = ["DATABASE", "Cluster", "Place"]

DATABASE = "gis"
SUPERUSER = "postgres"


@dataclass(frozen=True)
class Place:
    """Where a cluster lies: `data`, the folder of its socket and the port number in the socket's name."""

    home: str
    socket: str
    port: int
    throwaway: bool = False


class Cluster:
    """A PostgreSQL cluster with its own socket folder and no TCP.

    `record` is the file in the city's folder that says where the cluster lies.
    """

    def __init__(self, place: Place, account: SystemAccount, record: Path) -> None:
        self.place, self.account, self.record = place, account, record
        self.data = Path(place.home, "data")
        self.log = Path(place.home, "start.log")
        self._child: subprocess.Popen[bytes] | None = None

    def dsn(self, database: str = DATABASE, user: str = SUPERUSER) -> str:
        """Return the libpq connection string of a database of this cluster."""
        return make_conninfo("", host=self.place.socket, port=self.place.port, user=user, dbname=database)

    def programs(self) -> PostgresPrograms:
        """Return the PostgreSQL that made this cluster. Raises Unavailable if it is not installed."""
        return find_programs(int((self.data / "PG_VERSION").read_text()))

    def running(self) -> bool:
        """Does a process of this cluster live?"""
        return bool(processes_in(self.data, "postgres"))

    def answers(self) -> bool:
        """Does the cluster accept connections?"""
        try:
            psycopg.connect(self.dsn(SUPERUSER), connect_timeout=5).close()
        except psycopg.Error:
            return False
        return True

    def command(self) -> list[str]:
        """Return the command that runs the server in the foreground. Removes what a killed server left behind."""
        if not self.running():
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            for left in Path(self.place.socket).glob(f".s.PGSQL.{self.place.port}*"):
                left.unlink(missing_ok=True)
        self._make_socket_folder()
        self._write(self.data / "gis.conf", cluster_settings(Path(self.place.socket), self.place.port,
                                                             throwaway=self.place.throwaway))
        return [self.programs().program("postgres"), "-D", str(self.data)]

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server as a child of this process, in a session of its own, writing its first words to `log`."""
        self.end_leftovers()
        if self._child is not None:
            self._child.wait()
        command = self.command()
        with self.log.open("wb") as log:
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", umask=0o077,
                                           start_new_session=True, **self.account.popen_arguments())
        return self._child

    def start(self, timeout_s: float = 60) -> subprocess.Popen[bytes] | None:
        """Start the server if it does not run, and wait until it answers. Returns the new process, None if it ran before.

        Raises Unavailable with the server's last words if it does not come up.
        """
        if self.answers():
            return None
        process = self.spawn()
        self.wait(process, timeout_s)
        return process

    def wait(self, process: subprocess.Popen[bytes], timeout_s: float = 60) -> None:
        """Wait until the server answers. Raises Unavailable with its last words."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.answers():
                return
            if process.poll() is not None:
                break
            time.sleep(0.05)
        raise Unavailable(f"PostgreSQL did not start. Its last words:\n{self.last_words()}")

    def last_words(self) -> str:
        """Return the newest lines of the server's logs."""
        logs = sorted([self.log, *self.data.glob("log/*.log")], key=lambda path: path.stat().st_mtime if path.exists() else 0)
        lines = [line for path in logs[-2:] if path.exists() for line in path.read_text(errors="replace").splitlines()]
        return "\n".join(lines[-12:])

    def stop(self, timeout_s: float = 30) -> bool:
        """Stop the server: connections are ended, transactions rolled back. Returns whether it ran."""
        found = processes_in(self.data, "postgres")
        if not found:
            return False
        try:
            postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            postmaster = 0
        if postmaster in found:
            os.kill(postmaster, 2)  # fast shutdown
            deadline = time.monotonic() + timeout_s
            while processes_in(self.data, "postgres") and time.monotonic() < deadline:
                time.sleep(0.05)
        self.end_leftovers()
        if self._child is not None:
            self._child.wait()
        return True

    def end_leftovers(self) -> None:
        """End processes that a killed server left behind, so that a new one may take the data."""
        end_processes(lambda: processes_in(self.data, "postgres"), grace_s=5)

    def create(self) -> None:
        """Make the cluster and its empty database. Nothing of an interrupted attempt stays behind."""
        programs = find_programs()
        self.record.write_text(json.dumps(asdict(self.place), indent=1) + "\n")
        home = Path(self.place.home)
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o700)
        self.account.own(home)
        # for whoever finds this folder far from the city's
        self._write(home / "city-folder", f"{self.record.parent}\n")
        unfinished = home / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        # C.UTF-8 sorts by code point: the same on every machine, whatever its C library thinks of Chinese
        self._run([programs.program("initdb"), "-D", str(unfinished), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8",
                   "--locale=C.UTF-8", *(["--no-sync"] if self.place.throwaway else ["--data-checksums"])])
        self._write(unfinished / "pg_hba.conf", HBA)
        with (unfinished / "postgresql.conf").open("a") as settings:
            settings.write("\ninclude_if_exists 'gis.conf'\n")
        unfinished.rename(self.data)

    def ensure_database(self, database: str = DATABASE) -> bool:
        """Make a database of this name unless there is one. Returns whether it was made."""
        try:
            psycopg.connect(self.dsn(database), connect_timeout=5).close()
        except psycopg.OperationalError:
            self._run([self.programs().program("createdb"), "-h", self.place.socket, "-p", str(self.place.port),
                       "-U", SUPERUSER, "-T", "template0", database])
            return True
        return False

    def drop_database(self, database: str = DATABASE) -> None:
        """Drop a database with all that is in it."""
        self._run([self.programs().program("dropdb"), "-h", self.place.socket, "-p", str(self.place.port),
                   "-U", SUPERUSER, "--if-exists", "--force", database])

    def remove(self) -> None:
        """Stop the cluster and delete all its data."""
        self.stop()
        shutil.rmtree(self.place.home, ignore_errors=True)
        shutil.rmtree(self.place.socket, ignore_errors=True)
        self.record.unlink(missing_ok=True)

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", umask=0o077,
                              stdin=subprocess.DEVNULL, **self.account.popen_arguments())
        if done.returncode:
            raise Unavailable(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()[-2000:]}")

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text)
        self.account.own(path)

    def _make_socket_folder(self) -> None:
        folder = Path(self.place.socket)
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        # in a folder open to all (/tmp) somebody else may have made it first, to read what is said there
        if folder.is_symlink() or status.st_uid not in (os.geteuid(), self.account.uid):
            raise Unavailable(f"The folder {folder} belongs to somebody else. Remove it, or set another GIS_VAR.")
        folder.chmod(0o700)
        self.account.own(folder)
