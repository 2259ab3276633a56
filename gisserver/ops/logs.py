"""The logs of the programs: plain files under `var/logs` that never grow without bound."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

__all__ = ["Logs"]

LARGEST = 64 * 1024 * 1024
KEPT = 16 * 1024 * 1024


class Logs:
    """The folder of logs."""

    def __init__(self, var: Path) -> None:
        self.folder = var / "logs"
        self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """Return the file of one program."""
        return self.folder / f"{name}.log"

    def open(self, name: str) -> BinaryIO:
        """Open a program's log for appending, so that several processes may write it and it may be cut meanwhile."""
        return self.path(name).open("ab", buffering=0)

    def trim(self) -> None:
        """Cut each log that has grown too large to its newest part."""
        for path in self.folder.glob("*.log"):
            size = path.stat().st_size
            if size <= LARGEST:
                continue
            with path.open("rb") as log:
                log.seek(size - KEPT)
                log.readline()
                newest = log.read()
            # Cut in place: whoever writes holds the file open, and appends after what is left.
            with path.open("r+b") as log:
                log.truncate(0)
            with path.open("ab") as log:
                log.write(newest)

    def last_words(self, name: str, lines: int = 15) -> str:
        """Return the newest lines of a program's log."""
        try:
            text = self.path(name).read_bytes()[-20_000:].decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])
