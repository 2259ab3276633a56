"""TMS 1.0.0: the service's document, that of each layer and grid, and the tiles. Rows are counted from the south."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from starlette.responses import Response

from gisserver.raster.asking import CITY, find_layers, read_moment
from gisserver.raster.exceptions import tms_exception
from gisserver.raster.picture_tile import PictureTile, Wanted, tile_address, tile_number
from gisserver.raster.southern_rows import southern_edge, southern_rows
from gisserver.reply import digest, reply
from gisserver.request import Request
from layers.errors import StoreError
from tiles.grid import Grid, UnknownTile, find_grid, grids_of

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["tms_map", "tms_service", "tms_tile"]

PROFILES = {"WebMercatorQuad": ("OSGEO:41001", "global-mercator"), "WorldCRS84Quad": ("EPSG:4326", "global-geodetic")}
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


def _is_counted(grid: Grid) -> bool:
    try:
        southern_rows(grid)
    except UnknownTile:
        return False
    return True


def tms_service(request: Request) -> Response:
    """Answer the document of the service: the tile maps that the reader may see."""
    city = request.context.catalogue.city
    grids = [grid for grid in grids_of(city).values() if _is_counted(grid)]
    titles = [(CITY, city.title), *((layer.id, layer.title) for layer in request.context.readable(request.audience) if layer.kind == "spatial")]
    maps = "".join(
        f"<TileMap title={quoteattr(f'{title.zh} {title.en}')} srs={quoteattr(_profile(grid)[0])} profile={quoteattr(_profile(grid)[1])} "
        f"href={quoteattr(f'{request.base}/tms/1.0.0/{name}/{grid.id}')}/>" for name, title in titles for grid in grids)
    return _answer(request, f'{_XML}<TileMapService version="1.0.0" services={quoteattr(f"{request.base}/tms/1.0.0")}><Title>'
                            f"{escape(f'{city.title.zh} {city.title.en}')}</Title><Abstract></Abstract><TileMaps>{maps}</TileMaps></TileMapService>")


def tms_map(request: Request) -> Response:
    """Answer the document of one tile map."""
    try:
        name, city = request.path["layer"], request.context.catalogue.city
        layers, grid = find_layers(request, name), find_grid(request.path["tms"], city)
        title = city.title if name == CITY else layers[0].title
        (minx, _, maxx, maxy), miny = grid.extent, southern_edge(grid)
        sets = "".join(f'<TileSet href={quoteattr(f"{request.base}/tms/1.0.0/{name}/{grid.id}/{z}")} units-per-pixel="{level.cell!r}" order="{z}"/>'
                       for z, level in enumerate(grid.levels))
        srs, profile = _profile(grid)
        return _answer(request, f'{_XML}<TileMap version="1.0.0" tilemapservice={quoteattr(f"{request.base}/tms/1.0.0")}><Title>'
                                f"{escape(f'{title.zh} {title.en}')}</Title><Abstract></Abstract><SRS>{srs}</SRS>"
                                f'<BoundingBox minx="{minx!r}" miny="{miny!r}" maxx="{maxx!r}" maxy="{maxy!r}"/><Origin x="{minx!r}" y="{miny!r}"/>'
                                f'<TileFormat width="{grid.tile_px}" height="{grid.tile_px}" mime-type="image/png" extension="png"/>'
                                f'<TileSets profile="{profile}">{sets}</TileSets></TileMap>')
    except StoreError as error:
        return tms_exception(request, error)


def tms_tile(context: Context) -> PictureTile:
    """Return the endpoint of `/tms/1.0.0/{layer}/{tms}/{z}/{col}/{row}`, where `row` ends in .png or @2x.png."""
    def read(request: Request) -> Wanted:
        path = request.path
        row, ratio = tile_number(path["row"], ".png")
        moment = read_moment({name.lower(): value for name, value in request.parameters.items()}, "time")
        return Wanted((path["layer"],), tile_address(request, path["tms"], path["z"], path["col"], row, from_south=True), moment, ratio)

    return PictureTile(context, read, tms_exception)


def _profile(grid: Grid) -> tuple[str, str]:
    return PROFILES.get(grid.id, (f"EPSG:{grid.srid}", "local"))


def _answer(request: Request, text: str) -> Response:
    body = text.encode()
    return reply(request, body, "text/xml", f'"{digest(body)}"')
