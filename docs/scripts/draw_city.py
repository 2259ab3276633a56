"""Draw the demo city as a picture, with the colours of its layer definitions, at any moment of its life.

    python -m docs.scripts.draw_city city.png
    python -m docs.scripts.draw_city centre.png --middle 116.41 39.95 --width-m 5000 --day 1985-06-01
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from PIL import Image, ImageDraw

from config.settings import ROOT
from layers.city import read_city
from layers.demo import DemoCity, build
from layers.layer import Layer, read_layers

GROUND = (243, 240, 234)
# What lies on the ground in this order, each when it is wanted.
ALWAYS = ("green_space", "water_area", "road", "building")
OPTIONAL = ("land_use", "parcel", "control_zone", "red_line", "project", "pipe_segment", "pipe_node", "district", "street", "community", "facility", "address")


def present(table: pd.DataFrame, day: np.datetime64) -> pd.DataFrame:
    """Return the versions that hold on a day."""
    begin, end = (table[name].to_numpy(dtype="datetime64[s]") for name in ("valid_from", "valid_to"))
    return table[(begin <= day) & ~(end <= day)]


def colours(layer: Layer, table: pd.DataFrame) -> list[str]:
    """Return the colour of each row by the layer's symbology."""
    drawn = layer.symbology
    assert drawn is not None
    if not drawn.field:
        return [drawn.color] * len(table)
    values = table[drawn.field]
    by_value = {c.value: c.color for c in drawn.classes if c.value is not None}
    if by_value:
        return [by_value.get(v, drawn.color) for v in values]
    bounds = [c.below if c.below is not None else np.inf for c in drawn.classes]
    return [drawn.classes[int(np.searchsorted(bounds, v, "right"))].color for v in values]


class Picture:
    """A picture of a piece of the city; twice as large while it is drawn, so that edges come out smooth."""

    def __init__(self, middle: tuple[float, float], width_m: float, pixels: int) -> None:
        self.scale_x = 2 * pixels / (width_m / (111_320 * np.cos(np.radians(middle[1]))))
        self.scale_y = 2 * pixels / (width_m / 111_320)
        self.metre = 2 * pixels / width_m
        self.size = (2 * pixels, int(2 * pixels * 0.86))
        self.origin = (middle[0] - self.size[0] / 2 / self.scale_x, middle[1] + self.size[1] / 2 / self.scale_y)
        self.image = Image.new("RGB", self.size, GROUND)
        self.pen = ImageDraw.Draw(self.image, "RGBA")
        self.window = shapely.box(self.origin[0], middle[1] - self.size[1] / 2 / self.scale_y, self.origin[0] + self.size[0] / self.scale_x, self.origin[1])

    def path(self, geometry: shapely.Geometry) -> list[tuple[float, float]]:
        points = shapely.get_coordinates(geometry)
        return list(zip((points[:, 0] - self.origin[0]) * self.scale_x, (self.origin[1] - points[:, 1]) * self.scale_y, strict=True))

    def area(self, geometry: shapely.Geometry, fill: tuple[int, ...] | str | None, outline: str | None, width: float) -> None:
        for polygon in shapely.get_parts(geometry):
            ring = self.path(polygon.exterior)
            if fill is not None:
                whole = list(ring)
                for hole in polygon.interiors:
                    whole += [*self.path(hole), ring[0]]
                self.pen.polygon(whole, fill=fill)
            if outline:
                for edge in (polygon.exterior, *polygon.interiors):
                    self.pen.line(self.path(edge), fill=outline, width=max(1, round(width * 2)), joint="curve")

    def draw(self, layer: Layer, table: pd.DataFrame) -> None:
        """Draw one layer."""
        drawn = layer.symbology
        assert drawn is not None
        shapes = table.geometry.to_numpy()      # type: ignore[union-attr]
        seen = shapely.intersects(shapes, self.window)
        table, shapes = table[seen], shapes[seen]
        tint = colours(layer, table)
        if layer.id == "road":
            return self.roads(table, shapes, tint)
        order = np.argsort(table["height_m"].to_numpy(), kind="stable") if layer.id == "building" else range(len(table))
        for k in order:
            rgb = tuple(int(tint[k][i:i + 2], 16) for i in (1, 3, 5))
            if shapes[k].geom_type in ("Polygon", "MultiPolygon"):
                if drawn.opacity > 0:
                    self.area(shapes[k], (*rgb, round(255 * drawn.opacity)), None, 0)
                if drawn.outline and (self.metre > 0.35 or layer.id != "building"):
                    self.area(shapes[k], None, drawn.outline, drawn.width_px)
            elif shapes[k].geom_type == "Point":
                (x, y), r = self.path(shapes[k])[0], drawn.radius_px * 1.6
                self.pen.ellipse((x - r, y - r, x + r, y + r), fill=tint[k], outline=drawn.outline)
            else:
                self.pen.line(self.path(shapes[k]), fill=tint[k], width=max(1, round(drawn.width_px * 2)))

    def roads(self, table: pd.DataFrame, shapes: np.ndarray, tint: list[str]) -> None:
        """Draw roads at their true width, small ones first, each with its edge."""
        wide = table["width_m"].to_numpy(dtype=float)
        order = np.argsort(wide, kind="stable")
        for edge in (True, False):
            for k in order:
                width = wide[k] * self.metre
                if wide[k] < 10 and self.metre < 0.25:
                    continue
                path, w = self.path(shapes[k]), max(1, round(width + (1.6 if edge else 0)))
                colour = "#dcd5c9" if edge else tint[k]
                self.pen.line(path, fill=colour, width=w, joint="curve")
                if w > 4:
                    for x, y in (path[0], path[-1]):
                        self.pen.ellipse((x - w / 2, y - w / 2, x + w / 2, y + w / 2), fill=colour)

    def save(self, path: Path) -> None:
        self.image.resize((self.size[0] // 2, self.size[1] // 2), Image.Resampling.LANCZOS).save(path)


def draw(demo: DemoCity, layers: dict[str, Layer], path: Path, middle: tuple[float, float], width_m: float, pixels: int, day: np.datetime64,
         more: tuple[str, ...] = ()) -> None:
    """Draw the city on a day and save the picture."""
    picture = Picture(middle, width_m, pixels)
    wanted = sorted((*ALWAYS, *more), key=lambda name: layers[name].symbology.order)     # type: ignore[union-attr]
    for name in wanted:
        picture.draw(layers[name], present(demo.tables[name], day))
    picture.save(path)


def main() -> None:
    """Draw what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--city", type=Path, default=ROOT / "config" / "city.yaml")
    parser.add_argument("--middle", type=float, nargs=2, metavar=("LON", "LAT"))
    parser.add_argument("--width-m", type=float, default=36_500)
    parser.add_argument("--pixels", type=int, default=1600)
    parser.add_argument("--day", type=np.datetime64, default=np.datetime64("2026-11-01"))
    parser.add_argument("--with", dest="more", nargs="*", choices=OPTIONAL, default=[], help="further layers")
    parser.add_argument("--seed", type=int, default=42)
    given = parser.parse_args()
    city = read_city(given.city)
    extent = city.extent
    middle = tuple(given.middle) if given.middle else ((extent[0] + extent[2]) / 2, (extent[1] + extent[3]) / 2)
    draw(build(city, given.seed), read_layers(ROOT / "config" / "layers"), given.path, middle, given.width_m, given.pixels, given.day, tuple(given.more))


if __name__ == "__main__":
    main()
