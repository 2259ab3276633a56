"""The city as a source of MapProxy: its maps are drawn by Mapnik, its features told, its legends shown.

MapProxy hands a source the view alone. Who asks, and of which moment, is in `ASKED`, which the caller sets in the thread that
MapProxy runs in; without it nothing is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from mapproxy.config.configuration.source import SourceConfiguration, register_source_configuration
from mapproxy.extent import MapExtent
from mapproxy.featureinfo import create_featureinfo_doc
from mapproxy.image import ImageResult
from mapproxy.image.opts import ImageOptions
from mapproxy.layer import InfoLayer
from mapproxy.layer.map_layer import MapLayer
from mapproxy.source import LegendSource, SourceError
from mapproxy.srs import SRS

from layers.errors import StoreError
from layers.query import ItemQuery
from layers.store import Store
from tiles.map_view import MapView
from tiles.mapnik_source import draw

__all__ = ["ASKED", "CITY", "SOURCE_TYPE", "Asked", "register"]

SOURCE_TYPE = "city"
CITY = "city"


@dataclass
class Asked:
    """Who asks MapProxy, and for what.

    Parameters
    ----------
    queries
        Gives the questions behind the name of a layer, the lowest first; none where the reader may not read it.
    tell
        Writes what is at a place: (name of the layer, view, pixel from the upper left corner, format, number of features).
    legend
        Gives the legend of a layer as PNG.
    background
        The colour under the lowest layer; None is transparent.
    fault
        What went wrong while MapProxy worked, in our own words.
    """

    store: Store
    queries: Callable[[str], Sequence[ItemQuery]]
    tell: Callable[[str, MapView, tuple[int, int], str, int], str | None]
    legend: Callable[[str], bytes]
    language: str = "zh"
    background: str | None = None
    fault: StoreError | None = field(default=None)


ASKED: ContextVar[Asked] = ContextVar("ASKED")


def _asked() -> Asked:
    found = ASKED.get(None)
    if found is None:
        raise SourceError("nobody asks")
    return found


def _view(query: Any) -> MapView:
    authority, _, code = query.srs.srs_code.partition(":")
    return MapView(tuple(query.bbox), int(code) if authority == "EPSG" else 4326, query.size[0], query.size[1])


class CitySource(MapLayer):
    """Layers of the city, drawn in one pass."""

    supports_meta_tiles = True

    def __init__(self, names: tuple[str, ...], extent: MapExtent) -> None:
        super().__init__(ImageOptions(transparent=True, format="png"))
        self.names, self.extent = names, extent

    def combined_layer(self, other: Any, query: Any) -> CitySource | None:
        """Return one source for both: layers that lie beside each other are drawn in one pass."""
        return CitySource(self.names + other.names, self.extent) if isinstance(other, CitySource) else None

    def get_map(self, query: Any) -> ImageResult:
        asked = _asked()
        kind = "image/jpeg" if asked.background and query.format in ("jpeg", "image/jpeg") else "image/png"
        try:
            picture = draw(asked.store, [each for name in self.names for each in asked.queries(name)], _view(query),
                           language=asked.language, background=asked.background, media_type=kind)
        except StoreError as error:
            asked.fault = error
            raise SourceError(str(error)) from error
        options = ImageOptions(transparent=asked.background is None, format=kind.partition("/")[2])
        return ImageResult(BytesIO(picture.body), size=query.size, image_opts=options)


class CityFeatures(InfoLayer):
    """What is at a place of a layer."""

    def __init__(self, name: str) -> None:
        self.name = name

    def get_info(self, query: Any) -> Any:
        asked = _asked()
        try:
            text = asked.tell(self.name, _view(query), query.pos, query.info_format, int(query.feature_count or 1))
        except StoreError as error:
            asked.fault = error
            raise SourceError(str(error)) from error
        return None if text is None else create_featureinfo_doc(text, query.info_format)


class CityLegend(LegendSource):
    """The legend of a layer."""

    # Only for the capabilities: the picture is as large as it has to be.
    size = (200, 200)

    def __init__(self, name: str) -> None:
        self.name = name

    def get_legend(self, query: Any) -> ImageResult:
        return ImageResult(BytesIO(_asked().legend(self.name)), image_opts=ImageOptions(transparent=True, format="png"))


class CitySourceConfiguration(SourceConfiguration):
    """`{type: city, layer: <id>, extent: [minx, miny, maxx, maxy]}` in MapProxy's configuration."""

    source_type = (SOURCE_TYPE,)

    def source(self, params: Any = None) -> CitySource:
        return CitySource((self.conf["layer"],), MapExtent(tuple(self.conf["extent"]), SRS(4326)))

    def fi_source(self, params: Any = None) -> CityFeatures | None:
        return CityFeatures(self.conf["layer"])

    def lg_source(self, params: Any = None) -> CityLegend | None:
        return CityLegend(self.conf["layer"])


def register() -> None:
    """Make the source known to MapProxy."""
    register_source_configuration(SOURCE_TYPE, CitySourceConfiguration)
