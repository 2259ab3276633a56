"""What can go wrong with the city's data, in one tree.

    StoreError
     |- NotFound: UnknownLayer, UnknownFeature, UnknownChangeset, UnknownAccount
     |   `- Gone                      it existed, and does not at the asked moment
     |- InvalidParameter              one named parameter of a question is wrong
     |   `- InvalidFilter
     |- DefinitionError               a layer definition (or a change of one) is wrong
     |- Rejected                      an edit or import breaks checks; carries every fault with its place
     |- Conflict                      the version that was edited is not the current one; carries both
     |- UndoRefused                   later edits stand on what would be undone; carries the list
     |- PreconditionRequired          an edit came without the version it started from
     |- NotAuthenticated, Forbidden
     `- Unavailable                   the store cannot answer now

The status of each on the wire is one table in `gisserver/errors.py`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


class StoreError(Exception):
    """Something about the city's data went wrong; `chinese` says it to readers of Chinese, where the kind of error does not."""

    chinese: str | None = None

    def __init__(self, message: str = "", chinese: str | None = None) -> None:
        super().__init__(message)
        if chinese is not None:
            self.chinese = chinese

    def details(self) -> dict[str, Any]:
        """Return members that go beside `detail` in the error document."""
        return {}


class NotFound(StoreError):
    """There is no such thing, or not for this reader."""


class UnknownLayer(NotFound):
    """There is no such layer, or not for this reader."""

    def __init__(self, layer: str) -> None:
        super().__init__(f"There is no layer '{layer}'.")
        self.layer = layer


class UnknownFeature(NotFound):
    """There is no such feature, or not for this reader."""

    def __init__(self, layer: str, fid: object) -> None:
        super().__init__(f"Layer '{layer}' has no feature {fid}.")
        self.layer, self.fid = layer, fid


class Gone(NotFound):
    """The feature existed, and does not exist at the asked moment."""

    def __init__(self, layer: str, fid: int, until: str | None = None) -> None:
        ended = f" It ended {until}." if until else ""
        super().__init__(f"Feature {fid} of layer '{layer}' does not exist at that moment.{ended}")
        self.layer, self.fid, self.until = layer, fid, until


class UnknownChangeset(NotFound):
    """There is no changeset with this number."""

    def __init__(self, seq: object) -> None:
        super().__init__(f"There is no changeset {seq}.")


class UnknownAccount(NotFound):
    """There is no such account or key."""


class InvalidParameter(StoreError):
    """One named parameter is wrong; `chinese` is the message for readers of Chinese."""

    def __init__(self, parameter: str, message: str, chinese: str | None = None) -> None:
        super().__init__(f"Parameter '{parameter}': {message}", None if chinese is None else f"参数“{parameter}”：{chinese}")
        self.parameter = parameter

    def details(self) -> dict[str, Any]:
        return {"parameter": self.parameter}


class InvalidFilter(InvalidParameter):
    """A CQL2 filter cannot be read, or asks for what the layer does not have."""

    def __init__(self, message: str, parameter: str = "filter") -> None:
        super().__init__(parameter, message)


class DefinitionError(StoreError):
    """A layer definition, or a change of one, is wrong; all faults together."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults

    def details(self) -> dict[str, Any]:
        return {"faults": self.faults}


@dataclass(frozen=True)
class Fault:
    """One thing wrong with one row of an edit or an import.

    `place` is (longitude, latitude) in CRS84 where the fault can be shown on a map.
    """

    code: str
    message: str
    row: int | None = None
    layer: str | None = None
    fid: int | None = None
    field: str | None = None
    place: tuple[float, float] | None = None


class Rejected(StoreError):
    """An edit or import breaks checks; nothing of it was written."""

    def __init__(self, faults: list[Fault]) -> None:
        first = faults[0].message if faults else "rejected"
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(f"{first}{more}")
        self.faults = faults

    def details(self) -> dict[str, Any]:
        return {"faults": [asdict(f) for f in self.faults]}


class Conflict(StoreError):
    """Somebody else changed the feature since it was read.

    `theirs` is the version that stands now, as a GeoJSON feature; None if it was retired.
    """

    def __init__(self, layer: str, fid: int, expected: int | None, current: int | None,
                 theirs: dict[str, Any] | None = None) -> None:
        super().__init__(f"Feature {fid} of layer '{layer}' was changed by somebody else: "
                         f"version {expected} was edited, version {current} stands.")
        self.layer, self.fid, self.expected, self.current, self.theirs = layer, fid, expected, current, theirs

    def details(self) -> dict[str, Any]:
        return {"layer": self.layer, "fid": self.fid, "expected": self.expected,
                "current": self.current, "theirs": self.theirs}


class UndoRefused(StoreError):
    """Later edits stand on what would be undone."""

    def __init__(self, seq: int, dependents: list[dict[str, Any]]) -> None:
        super().__init__(f"Changeset {seq} cannot be undone: {len(dependents)} later edit(s) depend on it.")
        self.seq, self.dependents = seq, dependents

    def details(self) -> dict[str, Any]:
        return {"seq": self.seq, "dependents": self.dependents}


class PreconditionRequired(StoreError):
    """An edit must say which version it started from (If-Match)."""


class NotAuthenticated(StoreError):
    """Sign in first."""


class Forbidden(StoreError):
    """This account may not do that."""


class Unavailable(StoreError):
    """The store cannot answer now."""


class DefinitionChanged(Unavailable):
    """A layer was defined anew since this process read its definitions; it reads them again and then does what was asked."""

    def __init__(self) -> None:
        super().__init__("The layer is just being changed; try again.", "图层定义正在变更，请重试。")
