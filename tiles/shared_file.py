"""The file of the store of tiles: its connections, its transactions, and how it is begun anew."""

from __future__ import annotations

import logging
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["SQL", "SharedFile"]

LOGGER = logging.getLogger(__name__)
OPEN_WAIT_S = 10.0
# Of the tables: what has others is begun anew.
VERSION = 3
_SECTIONS = re.split(r"^-- name: (\w+)\n", (Path(__file__).parent / "sql" / "shared_store.sql").read_text("utf-8"), flags=re.M)
# Statements by name.
SQL = {name: text.strip() for name, text in zip(_SECTIONS[1::2], _SECTIONS[2::2], strict=True)}


class SharedFile:
    """A SQLite file in WAL mode with one connection for reading and one for writing, opened when they are wanted.

    Methods raise sqlite3.Error and OSError.

    Parameters
    ----------
    fill
        Writes what a new file begins with.
    pages
        The most pages that it may have; None is as many as there is room for.
    """

    def __init__(self, path: Path, fill: Callable[[sqlite3.Connection], None], pages: int | None = None) -> None:
        self.path, self.fill, self.pages = path, fill, pages
        # Whoever takes both takes the one for writing first.
        self._writing, self._reading = threading.RLock(), threading.RLock()
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None
        self._opened: int | None = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for reading, which waits for no writer. No transaction may begin inside."""
        if self._reader is None:
            with self._writing, self._reading:
                self._connected()
        with self._reading:
            if self._reader is None:
                raise sqlite3.InterfaceError("the file was just begun anew")
            yield self._reader

    @contextmanager
    def transaction(self, wait_ms: int) -> Iterator[sqlite3.Connection]:
        """Give a transaction that waits so long for other writers: committed at the end, rolled back on an error."""
        with self._writing:
            connection = self._connected()
            connection.execute(f"PRAGMA busy_timeout = {int(wait_ms)}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connections; they are opened again when they are wanted."""
        with self._writing, self._reading:
            for connection in (self._reader, self._writer):
                if connection is not None:
                    connection.close()
            self._reader = self._writer = None

    def begin_anew(self) -> None:
        """Remove the file, unless another process has done so since this one opened it. Raises nothing."""
        with self._writing, self._reading:
            try:
                self.close()
                if self._opened is None or self._inode() in (None, self._opened):
                    for end in ("", "-wal", "-shm"):
                        Path(f"{self.path}{end}").unlink(missing_ok=True)
            except (sqlite3.Error, OSError) as error:
                LOGGER.warning("tiles on disk: %s", error)

    def _connected(self) -> sqlite3.Connection:
        """Return the connection for writing, after opening both."""
        if self._writer is not None and self._reader is not None:
            return self._writer
        with self._reading:
            self.close()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._opened = self._inode()
            writer = self._writer = self._connect()
            writer.execute("BEGIN IMMEDIATE")
            version = writer.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, VERSION):
                raise sqlite3.DatabaseError("it was made by another edition of the program")
            if version == 0:
                for statement in SQL["schema"].split(";\n"):
                    writer.execute(statement)
                self.fill(writer)
                writer.execute(f"PRAGMA user_version = {VERSION}")
            writer.execute("COMMIT")
            self._reader = self._connect()
            self._opened = self._inode()
            return writer

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, cached_statements=64, timeout=OPEN_WAIT_S)
        try:
            for statement in SQL["pragmas"].splitlines():
                connection.execute(statement)
            if self.pages is not None:
                connection.execute(f"PRAGMA max_page_count = {int(self.pages)}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _inode(self) -> int | None:
        return self.path.stat().st_ino if self.path.exists() else None
