"""What stands in the regions of the plan: palace, altar, campus courts, stations, stadium, halls, pavilions."""

from __future__ import annotations

import numpy as np
import shapely

from layers.demo.kinds import KINDS
from layers.demo.mesh import Mesh
from layers.demo.packing import Footprints
from layers.demo.plots import Development, Parcel, Plots
from layers.demo.quads import inset, piece, polygons
from layers.demo.shapes import bar, bent, cross, ellipse, moved, yard
from layers.demo.water import Water, region_polygon

__all__ = ["add_regions", "draw_landmarks"]

_KIND = {"palace": "palace", "temple": "temple", "university": "campus", "station": "station", "sports": "stadium", "expo": "expo",
         "works": "works", "park": "pavilions", "forest_park": "pavilions"}
NAN = float("nan")


def region_box(mesh: Mesh, number: int, offset_m: float) -> np.ndarray:
    """Return the four corners of a region, drawn in."""
    i0, i1, j0, j1 = mesh.boxes[number]
    p = mesh.nodes
    return inset(np.array([[p[i0, j0], p[i1, j0], p[i1, j1], p[i0, j1]]]), np.full((1, 4), offset_m))[0]


def add_regions(mesh: Mesh, waters: list[Water], plots: Plots) -> dict[int, int]:
    """Add the parcels and developments of the regions; return {development: region} of those drawn by hand."""
    by_hand = {}
    for number, region in enumerate(mesh.regions):
        i0, i1, j0, j1 = mesh.boxes[number]
        cell = ((i0 + i1) // 2, (j0 + j1) // 2)
        kind = _KIND[region.kind]
        ring = shapely.get_coordinates(region_polygon(mesh, number).exterior)[:-1]
        year = float(region.year)
        uses = [(NAN, KINDS[kind].purpose)] if year < 1985 else [(NAN, "0103"), (year - 2.5, KINDS[kind].purpose)]
        plots.parcels.append(Parcel(ring, cell, -1 - number, NAN, NAN, uses))
        parcel = len(plots.parcels) - 1
        if kind != "campus":
            by_hand[len(plots.developments)] = number
            plots.developments.append(Development(region_box(mesh, number, 40), cell, -1 - number, parcel, kind, year - 2, year, NAN))
            continue
        rng = np.random.default_rng([number, 6])
        lakes = shapely.union_all([shapely.buffer(w.shape, 25) for w in waters if w.name == region.lake_name])
        for i in range(i0, i1):
            for j in range(j0, j1):
                court = _courts(mesh, i, j)
                free = ~shapely.intersects(polygons(court), lakes)
                for quad in court[free & (rng.random(len(court)) > 0.08)]:
                    done = year + (2024 - year) * rng.beta(1.6, 1.3) if year < 1990 else year + rng.uniform(0, 6)
                    done = max(done, 1954.0)
                    plots.developments.append(Development(quad, (i, j), -1 - number, parcel, kind, done - 2, done, NAN))
    return by_hand


def _courts(mesh: Mesh, i: int, j: int) -> np.ndarray:
    """Cut a cell into courts of about 170 x 150 m with walks between."""
    p = mesh.nodes
    cell = inset(np.array([[p[i, j], p[i + 1, j], p[i + 1, j + 1], p[i, j + 1]]]), np.full((1, 4), 24.0))
    nu, nv = max(2, round(np.ptp(cell[0, :, 0]) / 170)), max(2, round(np.ptp(cell[0, :, 1]) / 150))
    u, v = (g.ravel() for g in np.meshgrid(np.arange(nu), np.arange(nv)))
    return inset(piece(np.repeat(cell, nu * nv, axis=0), u / nu, (u + 1) / nu, v / nv, (v + 1) / nv), np.full((nu * nv, 4), 7.0))


class _Board:
    """A region to draw on, in fractions of its box."""

    def __init__(self, out: Footprints, dev: int, box: np.ndarray) -> None:
        self.out, self.dev, self.box = out, dev, box[None]
        along = box[1] - box[0]
        self.angle = np.arctan2(along[1], along[0])
        self.width, self.height = np.linalg.norm(along), np.linalg.norm(box[3] - box[0])

    def at(self, u: float, v: float) -> np.ndarray:
        return piece(self.box, np.array([u]), np.array([u]), np.array([v]), np.array([v]))[0, 0]

    def put(self, u: float, v: float, ring: np.ndarray, floors: int, storey: float, role: str = "main", hole: np.ndarray | None = None) -> None:
        middle, angle = self.at(u, v)[None], np.array([self.angle])
        self.out.add(np.array([self.dev]), moved(ring, middle, angle), floors, role=role, storey=storey,
                     holes=None if hole is None else moved(hole, middle, angle)[:, ::-1])


def _one(ring: object, *sizes: float) -> np.ndarray:
    return ring(*(np.array([s]) for s in sizes))        # type: ignore[operator]


def _palace(board: _Board, rng: np.random.Generator) -> None:
    for v, w, d, h in ((.07, 126, 40, 33), (.17, 86, 34, 24), (.29, 80, 46, 35), (.365, 28, 28, 22), (.44, 62, 36, 27), (.56, 54, 30, 24),
                       (.63, 26, 26, 18), (.69, 50, 28, 21), (.80, 40, 24, 17), (.93, 70, 26, 31)):
        board.put(.5, v, _one(bar, w, d), 1, h)
    for side in (-1, 1):
        for v in (.23, .33, .43, .56, .66):
            board.put(.5 + side * .085, v, _one(bar, 13, 52), 1, 11, "wing")
        for u, v in ((.46, .03), (.46, .97)):
            board.put(.5 + side * u, v, _one(cross, 18, 18, 5), 1, 27, "wing")
        for k in range(3):
            for n in range(7):
                u, v = .5 + side * (.17 + .105 * k), .17 + .105 * n
                w, d = board.width * .082, board.height * .078
                if rng.random() < .93:
                    board.put(u, v, _one(bar, w, d), 1, 9.5, "wing", _one(bar, w - 16, d - 18))


def _temple(board: _Board, rng: np.random.Generator) -> None:
    board.put(.5, .78, _one(ellipse, 36, 36), 1, 38)
    board.put(.5, .90, _one(bar, 34, 16), 1, 15, "wing")
    board.put(.5, .50, _one(ellipse, 20, 20), 1, 19)
    board.put(.5, .64, _one(bar, 40, 14), 1, 12, "wing")
    board.put(.5, .22, _one(ellipse, 58, 58), 1, 5, "wing")
    for side in (-1, 1):
        board.put(.5 + side * .035, .80, _one(bar, 11, 42), 1, 10, "wing")
    board.put(.24, .62, _one(bar, 74, 62), 1, 13, "wing", _one(bar, 46, 34))
    board.put(.12, .35, _one(yard, 60, 46, 11), 1, 10, "wing")


def _station(board: _Board, rng: np.random.Generator) -> None:
    board.put(.5, .70, _one(bent, min(board.width * .5, 290), 120, 14), 3, 11)
    for n in range(7):
        board.put(.5, .12 + .055 * n, _one(bar, min(board.width * .66, 440), 11), 1, 9, "canopy")
    board.put(.14, .76, _one(bar, 58, 30), 6, 3.8, "office")
    board.put(.86, .76, _one(bar, 70, 46), 12, 3.6, "tower")


def _stadium(board: _Board, rng: np.random.Generator) -> None:
    board.put(.62, .52, _one(ellipse, 330, 290), 3, 22, "main", _one(ellipse, 190, 135))
    board.put(.37, .52, _one(bar, 172, 172), 2, 15.5)
    board.put(.37, .80, _one(cross, 190, 120, 14), 2, 14)
    board.put(.62, .18, _one(ellipse, 120, 100), 2, 12)
    board.put(.86, .30, _one(bar, 90, 60), 2, 10)
    board.put(.86, .75, _one(bar, 64, 40), 14, 3.8, "tower")
    board.put(.14, .72, _one(bar, 120, 44), 4, 4.5)


def _expo(board: _Board, rng: np.random.Generator) -> None:
    for u in (.14, .36, .64, .86):
        for v in (.24, .74):
            board.put(u, v, _one(bar, min(board.width * .17, 190), min(board.height * .32, 150)), 1, 22, "hall")
    board.put(.5, .5, _one(ellipse, 110, 70), 3, 8)


def _works(board: _Board, rng: np.random.Generator) -> None:
    for n in range(4):
        board.put(.12 + .07 * n, .86, _one(ellipse, 58, 58), 1, 72, "chimney")
    for n in range(4):
        board.put(.20 + .17 * n, .62, _one(ellipse, 26, 26), 1, 78, "tank")
        board.put(.24 + .17 * n, .56, _one(bar, 30, 40), 3, 9, "hall")
    for n in range(5):
        board.put(.5, .10 + .075 * n, _one(bar, min(board.width * .62, 620), 42), 1, 16, "hall")
    for n in range(6):
        board.put(.90, .12 + .13 * n, _one(bar, 62, 22), 6, 4.1, "office")


def _pavilions(board: _Board, rng: np.random.Generator) -> None:
    n = int(np.clip(board.width * board.height / 60_000, 4, 26))
    for _ in range(n):
        u, v = rng.uniform(.06, .94), rng.uniform(.06, .94)
        kind = rng.integers(0, 4)
        ring = (_one(ellipse, 12, 12), _one(bar, 26, 11), _one(cross, 17, 17, 4), _one(yard, 34, 24, 7))[kind]
        board.put(u, v, ring, 1 if kind else 2, 6.5)


_DRAW = {"palace": _palace, "temple": _temple, "station": _station, "sports": _stadium, "expo": _expo, "works": _works, "park": _pavilions,
         "forest_park": _pavilions}


def draw_landmarks(out: Footprints, plots: Plots, mesh: Mesh, by_hand: dict[int, int], seed: int) -> None:
    """Draw the footprints of the regions."""
    for dev, number in by_hand.items():
        region = mesh.regions[number]
        _DRAW[region.kind](_Board(out, dev, plots.developments[dev].quad), np.random.default_rng([seed, 7, number]))
        if region.kind in ("park", "forest_park") and region.name.startswith("景云山"):
            _Board(out, dev, plots.developments[dev].quad).put(.5, .5, _one(ellipse, 15, 15), 3, 6)
