"""What somebody wishes in a report: layers with their filters, a part of the city, a day, tables of numbers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gisserver.parameters import checked_box
from gisserver.routes.bodies import Body
from gisserver.wording import WrongParameter

__all__ = ["MOST_BYTES", "MOST_FEATURES", "ReportWish", "ReportedLayer", "Table"]

# A browser draws so many smoothly, and a mail carries so much.
MOST_FEATURES, MOST_BYTES = 10_000, 16 * 1024 * 1024


class ReportedLayer(Body):
    """A layer as it is shown; `fields` are those of its cards, all that the reader may see without."""

    layer: str
    filter: dict[str, Any] | None = None
    datetime: str | None = None
    style: str | None = None
    fields: list[str] | None = Field(default=None, max_length=40)


class Table(Body):
    """Numbers of a layer of the report by the values of a field: how many, and sums of fields; as a chart too with `chart`."""

    layer: str
    by: str
    fields: list[str] = Field(default=[], max_length=8)
    chart: bool = True


class ReportWish(Body):
    """A report. The layers stand from the ground up; `bbox` (degrees) is what of the city it is about, all of it without."""

    title: str = Field(default="", max_length=120)
    author: str = Field(default="", max_length=80)
    layers: list[ReportedLayer] = Field(min_length=1, max_length=20)
    bbox: list[float] | None = Field(default=None, min_length=4, max_length=4)
    datetime: str | None = None
    known_at: str | int | None = None
    base: Literal["none", "map", "imagery"] = "none"
    imagery: str | None = None
    tables: list[Table] = Field(default=[], max_length=12)

    def check(self) -> None:
        """Raise InvalidParameter for members that do not go together."""
        if self.bbox is not None:
            minx, miny, maxx, maxy = checked_box(self.bbox)
            if minx == maxx or miny == maxy:
                raise WrongParameter("bbox", "bbox_order")
            if miny < -85 or maxy > 85:         # its map is in Web Mercator
                raise WrongParameter("bbox", "bbox_degrees")
        if (self.base == "imagery") != (self.imagery is not None):
            raise WrongParameter("imagery", "missing" if self.base == "imagery" else "kind", value="given only with base 'imagery'")
        names = [each.layer for each in self.layers]
        if len(set(names)) < len(names):
            raise WrongParameter("layers", "kind", value="a list in which no layer stands twice")
        for number, table in enumerate(self.tables):
            if table.layer not in names:
                raise WrongParameter(f"tables.{number}.layer", "choice", value=table.layer[:60], choices=", ".join(names))
