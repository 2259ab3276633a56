"""What a Shapefile does not say by itself: in which encoding its texts are."""

from __future__ import annotations

import codecs
import zipfile
from dataclasses import dataclass
from pathlib import Path

from layers.errors import InvalidParameter

__all__ = ["Shapefile"]

# The byte of a dBASE header that names the encoding (LDID), and the size of the head that is looked at.
LDID, HEAD = 29, 1 << 18
CANDIDATES = ("UTF-8", "GB18030", "Big5", "Shift_JIS")


@dataclass(frozen=True)
class Shapefile:
    """The parts of a Shapefile that tell its encoding.

    `table` is the beginning of its .dbf, `declared` what its .cpg says, if there is one.
    """

    name: str
    table: bytes
    declared: str | None

    @classmethod
    def find(cls, path: Path, layer: str | None = None) -> Shapefile:
        """Look at a .shp, or at the one of `layer` (the first otherwise) in a zip file."""
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive:
                names = {n.lower(): n for n in archive.namelist()}
                shapes = sorted(n for n in names if n.endswith(".shp"))
                stem = next((s[:-4] for s in shapes if layer and Path(names[s]).stem == layer), shapes[0][:-4])

                def part(ending: str) -> bytes:
                    if stem + ending not in names:
                        return b""
                    with archive.open(names[stem + ending]) as file:
                        return file.read(HEAD)
                table, code_page = part(".dbf"), part(".cpg")
        else:
            beside = {p.suffix.lower(): p for p in path.parent.glob(f"{path.stem}.*")} if "[" not in path.stem else {}
            table = beside[".dbf"].read_bytes()[:HEAD] if ".dbf" in beside else b""
            code_page = beside[".cpg"].read_bytes() if ".cpg" in beside else b""
        return cls(path.name, table, code_page.decode("ascii", "replace").strip() or None)

    def encoding(self, given: str | None) -> str | None:
        """Return the encoding to read with; None where GDAL finds it itself.

        Raises InvalidParameter if it is not said and the texts need one, or if texts are not in what is said.
        """
        if given is not None:
            try:
                codecs.lookup(given)
            except LookupError:
                raise InvalidParameter("encoding", f"'{given}' is no known encoding; known are UTF-8, GBK, GB18030, Big5, Shift_JIS, …") from None
            self._must_decode(given)
            return given
        if self.table.isascii() or len(self.table) <= LDID:
            return None
        if self.declared is None and self._texts().isascii():
            return None
        if self.declared is None and self.table[LDID] == 0:
            fitting = [name for name in CANDIDATES if self._decodes(name)]
            raise InvalidParameter("encoding", f"{self.name} does not say in which encoding its texts are; pass --encoding"
                                               + (f" (they can be read as {' or '.join(fitting)})" if fitting else ""))
        if self.declared is not None:
            try:
                codecs.lookup(self.declared)
            except LookupError:
                return None
            self._must_decode(self.declared)
        return None

    def _texts(self) -> bytes:
        """Return field names and records, without the head's numbers and without the last record, which may be cut."""
        length = int.from_bytes(self.table[8:10], "little")
        size = max(1, int.from_bytes(self.table[10:12], "little"))
        names = b"".join(self.table[i:i + 11].split(b"\x00")[0] + b" " for i in range(32, max(32, length - 1), 32))
        whole = (len(self.table) - length) // size
        return names + self.table[length:length + whole * size]

    def _decodes(self, encoding: str) -> bool:
        # A fixed-width field may end in half a character; that is no sign of another encoding.
        faults = 0
        texts = self._texts().split(b" ")
        for text in texts:
            try:
                text.decode(encoding)
            except UnicodeDecodeError as error:
                faults += error.start < len(text) - 3
        return faults == 0

    def _must_decode(self, encoding: str) -> None:
        if not self._decodes(encoding):
            fitting = [name for name in CANDIDATES if name.lower() != encoding.lower() and self._decodes(name)]
            raise InvalidParameter("encoding", f"the texts of {self.name} are not in {encoding}"
                                               + (f"; they can be read as {' or '.join(fitting)}" if fitting else ""))
