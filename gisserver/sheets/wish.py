"""What somebody wishes on paper: layers, imagery, thematic maps, a place at a scale, or an atlas of features."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from gisserver.routes.bodies import Body
from gisserver.routes.thematic import ValueBody
from gisserver.sheets.paper import Orientation
from gisserver.wording import WrongParameter
from layers.errors import InvalidParameter

__all__ = ["CLASSED_KINDS", "MOST_PAGES", "SCALES", "PrintedLayer", "PrintedTheme", "Slice", "Wish"]

MOST_PAGES = 30
SCALES = (200, 2_000_000)
CLASSED_KINDS = ("choropleth", "graduated", "bivariate")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")


class PrintedLayer(Body):
    """A layer as it is shown: filtered, on a day of its own, in one of its other styles."""

    layer: str
    filter: dict[str, Any] | None = None
    datetime: str | None = None
    style: str | None = None


class Slice(Body):
    """The colour of the slices of one value."""

    value: str | None
    color: str


class PrintedTheme(Body):
    """A thematic map of a layer with fixed classes: class n holds values below `breaks[n]`, the last one all others.

    Colours: one a class; of two values nine, three for each class of the first one; of graduated circles one. `sizes` are
    radii of graduated circles in pixels. Heat, clusters and charts have no classes: features are counted in cells when they are drawn.
    Clusters have one colour, charts a field `by` and the colours of its values in `slices` (others are drawn in `no_data`).
    """

    layer: str
    kind: Literal["choropleth", "graduated", "bivariate", "heat", "cluster", "charts"]
    value: ValueBody | None = None
    second: ValueBody | None = None
    breaks: list[float] = Field(default=[], max_length=11)
    second_breaks: list[float] = Field(default=[], max_length=2)
    colors: list[str] = Field(default=[], max_length=12)
    sizes: list[float] = Field(default=[], max_length=12)
    no_data: str = "#b9bfc5"
    by: str | None = None
    slices: list[Slice] = Field(default=[], max_length=200)
    filter: dict[str, Any] | None = None
    datetime: str | None = None

    def check(self, place: str) -> None:
        """Raise InvalidParameter for classes that do not fit together; `place` is where the theme stands in the body."""
        if self.kind not in CLASSED_KINDS:
            self._check_gathered(place)
            return
        if self.value is None or (self.kind == "bivariate" and self.second is None):
            raise WrongParameter(f"{place}.{'value' if self.value is None else 'second'}", "missing")
        for name in ("breaks", "second_breaks"):
            given = getattr(self, name)
            if sorted(set(given)) != given or not all(map(math.isfinite, given)):
                raise InvalidParameter(f"{place}.{name}", "ascend, and all of them are numbers.", "应为递增的数值")
        classes = len(self.breaks) + 1
        wanted = {"choropleth": classes, "graduated": 1, "bivariate": 9}[self.kind]
        if len(self.colors) != wanted or (self.kind == "bivariate" and (classes > 3 or len(self.second_breaks) > 2)):
            raise InvalidParameter(f"{place}.colors", f"{wanted} are needed, and {len(self.colors)} were given.", f"需要 {wanted} 个，给出 {len(self.colors)} 个")
        self._check_colors(f"{place}.colors", (*self.colors, self.no_data))
        if self.kind == "graduated" and (len(self.sizes) != classes or not all(0 < s <= 96 for s in self.sizes)):
            raise InvalidParameter(f"{place}.sizes", f"are {classes} radii up to 96 pixels.", f"应为 {classes} 个不超过 96 像素的半径")

    def _check_gathered(self, place: str) -> None:
        if self.kind == "charts" and self.by is None:
            raise WrongParameter(f"{place}.by", "missing")
        if len(self.colors) > 1:
            raise InvalidParameter(f"{place}.colors", f"one is enough, and {len(self.colors)} were given.", f"只需 1 个，给出 {len(self.colors)} 个")
        self._check_colors(f"{place}.colors", (*self.colors, self.no_data))
        self._check_colors(f"{place}.slices", [each.color for each in self.slices])

    @staticmethod
    def _check_colors(place: str, colors: Iterable[str]) -> None:
        if wrong := [c for c in colors if not _COLOR.match(c)]:
            raise WrongParameter(place, "choice", value=wrong[0][:60], choices="#rrggbb")


class Imagery(Body):
    """Imagery under the map: a coverage, as of a day."""

    layer: str
    datetime: str | None = None


class PrintedOutside(Body):
    """A layer of a service of others by its name, how opaque it is, and whether it lies over the city's own layers or under them."""

    layer: str = Field(pattern=r"^out_[0-9a-f]{20}$")
    opacity: float = Field(default=1, ge=0, le=1)
    over: bool = True


class Atlas(Body):
    """A page for each of these features."""

    layer: str
    fids: list[int] = Field(min_length=1, max_length=MOST_PAGES)


class Wish(Body):
    """A sheet, or an atlas of several; exactly one of `center` (degrees) and `atlas` is given."""

    layers: list[PrintedLayer] = Field(max_length=60)
    scale: float = Field(ge=SCALES[0], le=SCALES[1])
    center: list[float] | None = Field(default=None, min_length=2, max_length=2)
    paper: Literal["A4", "A3", "A2", "A1", "A0"] = "A4"
    orientation: Orientation = "landscape"
    title: str = Field(default="", max_length=120)
    format: Literal["pdf", "png"] = "pdf"
    datetime: str | None = None
    known_at: str | int | None = None
    grid: bool = True
    legend: bool = True
    seal: bool = True
    atlas: Atlas | None = None
    imagery: Imagery | None = None
    themes: list[PrintedTheme] = Field(default=[], max_length=12)
    # The first one lowest, as `layers`.
    outside: list[PrintedOutside] = Field(default=[], max_length=12)

    def check(self) -> None:
        """Raise InvalidParameter for members that do not go together."""
        if (self.center is None) == (self.atlas is None):
            raise WrongParameter("center", "kind", value="given, or 'atlas' instead of it")
        if self.format == "png" and self.atlas is not None and len(self.atlas.fids) > 1:
            raise WrongParameter("format", "choice", value="png", choices="pdf (an atlas has several pages)")
        named = set[str]()
        for number, theme in enumerate(self.themes):
            theme.check(f"themes.{number}")
            if theme.layer in named:
                raise WrongParameter(f"themes.{number}.layer", "kind", value="another layer: a layer has one thematic map")
            named.add(theme.layer)
