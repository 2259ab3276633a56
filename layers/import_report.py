"""What an import did, in numbers and faults: the first in full, the rest counted by reason."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from layers.errors import Fault

__all__ = ["ImportReport"]


@dataclass
class ImportReport:
    """The report of an import.

    Attributes
    ----------
    read, rejected
        Rows of the file, and those of them that were refused; `reasons` counts refusals by (code, field). A row may have
        several.
    new, changed, unchanged, retired
        Features that were made, got a new version, are as they were, or ended because the file does not have them.
    faults
        The first refusals in full, with row number (from 1), field and place.
    notes
        What was done to values or geometries that the reader should know, as {note: how often}.
    seq
        The changeset; None where nothing was written.
    part
        The report of what came with the rows for another layer: surfaces of buildings.
    """

    layer: str
    source: str
    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    retired: int = 0
    rejected: int = 0
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    seq: int | None = None
    dry_run: bool = False
    examples: int = 20
    part: ImportReport | None = None

    @property
    def written(self) -> int:
        """Return how many features were written (with a dry run: would be)."""
        return self.new + self.changed + self.retired

    def refuse(self, faults: Iterable[Fault]) -> None:
        """Count faults found in the file; each row counts once."""
        rows = set()
        for fault in faults:
            rows.add(fault.row)
            self.reasons[fault.code, fault.field or ""] += 1
            if len(self.faults) < self.examples:
                self.faults.append(fault)
        self.rejected += len(rows)

    def refuse_summed(self, summed: Mapping[str, Any]) -> None:
        """Count faults found in the stage, as gis.sum_faults gives them."""
        self.rejected += summed["rejected"]
        for code, name, count in summed["counts"]:
            self.reasons[code, name] += count
        room = max(0, self.examples - len(self.faults))
        self.faults += [Fault(f["code"], f["message"], f.get("row"), f.get("layer"), None, f.get("field"),
                              tuple(f["place"]) if f.get("place") else None) for f in summed["faults"][:room]]

    def write_faults(self, path: Path) -> None:
        """Write the faults, also those of the part, as CSV (UTF-8 with BOM, so that spreadsheets read Chinese): row, field, code, message, lon, lat."""
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["row", "field", "code", "message", "lon", "lat"])
            for fault in sorted([*self.faults, *(self.part.faults if self.part else ())], key=lambda f: f.row or 0):
                writer.writerow([fault.row, fault.field, fault.code, fault.message, *(fault.place or (None, None))])
