"""Housing on plots: courtyards, villages, work-unit slabs, estates, compounds with towers, villas."""

from __future__ import annotations

import numpy as np

from layers.demo.packing import Footprints, Slots, pack
from layers.demo.quads import inset, piece, sizes
from layers.demo.shapes import bar, bent, cross, ell, moved, notched, stepped, tee

__all__ = ["courtyards", "estate", "towers", "villas", "village", "work_unit"]

Rng = np.random.Generator


def _place(out: Footprints, dev: np.ndarray, s: Slots, rings: np.ndarray, **more: object) -> None:
    out.add(dev[s.plot], moved(rings, s.middle, s.angle), row=s.row, **more)     # type: ignore[arg-type]


def slabs(out: Footprints, dev: np.ndarray, s: Slots, floors: np.ndarray, rng: Rng, plain: float = 0.3) -> None:
    """Draw slabs: plain, stepped, or with one stairwell notch per entrance (about 21 m of length each)."""
    entrances = np.clip(np.round(s.w / 22), 1, 5).astype(int)
    style = rng.random(len(s))
    for n in range(1, 6):
        k = np.flatnonzero((entrances == n) & (style >= plain + 0.18))
        _place(out, dev, s.at(k), notched(s.w[k], s.d[k], n), floors=floors[k], storey=2.9, entrances=n)
    k = np.flatnonzero(style < plain)
    _place(out, dev, s.at(k), bar(s.w[k], s.d[k]), floors=floors[k], storey=2.9, entrances=entrances[k])
    k = np.flatnonzero((style >= plain) & (style < plain + 0.18))
    _place(out, dev, s.at(k), stepped(s.w[k], s.d[k] - 2.4, np.full(len(k), 2.4)), floors=floors[k], storey=2.9, entrances=np.maximum(entrances[k], 2))


def _shops(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, chance: float) -> np.ndarray:
    """Put shops along the south of some plots; return the plots without that strip."""
    _, height = sizes(quads)
    some = np.flatnonzero((rng.random(len(quads)) < chance) & (height > 90))
    if not len(some):
        return quads
    depth = 15.0
    strip = piece(quads[some], np.zeros(len(some)), np.ones(len(some)), np.zeros(len(some)), (depth + 6) / height[some])
    s = pack(strip, rng.uniform(52, 84, len(some)), depth, 6.0, 5.0, 2.5, stretch=1.3)
    s = s.at(rng.random(len(s)) < 0.85)
    out.add(dev[some][s.plot], moved(bar(s.w, s.d), s.middle, s.angle), rng.integers(1, 4, len(some))[s.plot], role="shop", storey=3.9)
    rest = quads.copy()
    rest[some] = piece(quads[some], np.zeros(len(some)), np.ones(len(some)), (depth + 5) / height[some], np.ones(len(some)))
    return rest


def _garden(s: Slots, rng: Rng, chance: float = 0.6) -> tuple[Slots, Slots]:
    """Keep the middle of larger compounds free; return what stays and the places that became free."""
    open_plot = rng.random(int(s.plot.max(initial=0)) + 1) < chance
    middle = (s.cols >= 3) & (s.rows >= 3) & (abs(s.col - (s.cols - 1) / 2) < 0.8) & (abs(s.row - (s.rows - 1) / 2) < 0.8) & open_plot[s.plot]
    return s.at(~middle), s.at(middle)


def _service(out: Footprints, dev: np.ndarray, free: Slots, rng: Rng) -> None:
    """Put a kindergarten or a club house into a garden here and there."""
    k = rng.random(len(free)) < 0.16
    s = free.at(k)
    w, d = np.minimum(s.w, 30.0), np.minimum(s.d + 6, 17.0)
    _place(out, dev, s, ell(w, d, d * 0.45), floors=rng.integers(1, 4, len(s)), role="service", storey=3.6)


def work_unit(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng) -> None:
    """Slabs of three to six floors in tight rows, of the planned economy."""
    n = len(quads)
    floors = rng.choice([3, 4, 5, 6], n, p=[.2, .22, .33, .25])
    s = pack(quads, rng.uniform(54, 76, n), rng.uniform(11, 13, n), rng.uniform(8, 12, n), 10 + floors * 2.7, rng.uniform(6, 9, n), stretch=1.4)
    drop = rng.random(len(s))
    slabs(out, dev, s.at(drop > 0.08), floors[s.plot[drop > 0.08]], rng, plain=0.55)
    k = s.at(drop <= 0.04)
    _place(out, dev, k, bar(np.minimum(k.w, 24.0), k.d), floors=rng.integers(1, 3, len(k)), role="service", storey=4.2)


def estate(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, low: int, high: int, rising: bool, shop_chance: float) -> None:
    """Rows of slabs with a garden; in rising estates the northern rows are higher."""
    n = len(quads)
    quads = _shops(out, dev, quads, rng, shop_chance)
    top = rng.integers(low, high + 1, n)
    s = pack(quads, rng.uniform(52, 76, n), rng.uniform(12, 14.5, n), rng.uniform(12, 18, n), np.minimum(top * 2.9 * 1.35 + 5, 62),
             rng.uniform(7, 11, n), stretch=1.35)
    s, free = _garden(s, rng)
    floors = top[s.plot]
    if rising:
        share = (s.row + 1) / s.rows
        floors = np.clip(np.round(floors * (0.55 + 0.55 * share)), 5, 18).astype(int)
    keep = rng.random(len(s)) > 0.03
    slabs(out, dev, s.at(keep), floors[keep], rng)
    _service(out, dev, free, rng)


def towers(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, low: int, high: int, long: float, shop_chance: float) -> None:
    """Point towers and short slabs of many floors, staggered."""
    n = len(quads)
    quads = _shops(out, dev, quads, rng, shop_chance)
    top = rng.integers(low, high + 1, n)
    is_long = rng.random(n) < long
    w = np.where(is_long, rng.uniform(34, 46, n), rng.uniform(23, 28, n))
    d = np.where(is_long, rng.uniform(14, 17, n), rng.uniform(21, 26, n))
    s = pack(quads, w, d, rng.uniform(20, 32, n), np.where(is_long, rng.uniform(40, 54, n), rng.uniform(26, 38, n)), rng.uniform(8, 12, n),
             shift=np.where(rng.random(n) < 0.5, 0.5, 0.0))
    s, free = _garden(s, rng)
    s = s.at(rng.random(len(s)) > 0.04)
    floors = np.clip(top[s.plot] + rng.integers(-3, 4, len(s)) + 2 * (s.row == s.rows - 1), 9, 40)
    wide = is_long[s.plot]
    style = rng.integers(0, 3, n)[s.plot]
    for chosen, ring, doors in ((wide & (style == 0), bent, 2), (wide & (style > 0), bent, 2), (~wide & (style == 0), cross, 1), (~wide & (style == 1), bent, 1)):
        k = np.flatnonzero(chosen)
        cut = np.full(len(k), 2.6) if ring is bent else s.w[k] * 0.22
        _place(out, dev, s.at(k), ring(s.w[k], s.d[k], cut), floors=floors[k], storey=2.95, entrances=doors, role="main")
    k = np.flatnonzero(~wide & (style == 2))
    _place(out, dev, s.at(k), tee(s.w[k], s.d[k], s.d[k] * 0.55), floors=floors[k], storey=2.95, entrances=1)
    _service(out, dev, free, rng)


def villas(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng) -> None:
    """Detached houses with gardens."""
    n = len(quads)
    s = pack(quads, rng.uniform(12, 15, n), rng.uniform(10.5, 12.5, n), 11.0, 17.0, 8.0)
    s = s.at(rng.random(len(s)) > 0.1)
    mirrored = rng.random(len(s)) < 0.5
    for flag in (False, True):
        k = np.flatnonzero(mirrored == flag)
        _place(out, dev, s.at(k), ell(s.w[k], s.d[k], s.d[k] * 0.55, flag), floors=rng.integers(2, 4, len(k)), storey=3.1, entrances=1)


def _lots(quads: np.ndarray, nu: np.ndarray, nv: np.ndarray, rng: Rng, uneven: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut each quad into nv rows of about nu lots of uneven width: (plot, lot quads, row)."""
    row_plot = np.repeat(np.arange(len(quads)), nv)
    row = np.arange(len(row_plot)) - np.repeat(np.cumsum(nv) - nv, nv)
    most = int(nu.max()) + 1
    count = nu[row_plot]
    weight = rng.uniform(1 - uneven, 1 + uneven, (len(row_plot), most)) * (np.arange(most) < count[:, None])
    edge = np.concatenate([np.zeros((len(row_plot), 1)), np.cumsum(weight, axis=1)], axis=1)
    edge /= edge[:, -1:]
    r, c = np.nonzero(np.arange(most) < count[:, None])
    plot = row_plot[r]
    return plot, piece(quads[plot], edge[r, c], edge[r, c + 1], row[r] / nv[plot], (row[r] + 1) / nv[plot]), row[r]


def courtyards(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng) -> None:
    """Courtyard houses, two rows back to back between two lanes; wings around a yard."""
    width, height = sizes(quads)
    # Deep courtyards at some lanes, small ones at others.
    plot, lot, row = _lots(quads, np.maximum(1, np.round(width / rng.uniform(19, 29, len(quads)))).astype(int),
                           np.maximum(1, np.round(height / 29)).astype(int), rng, 0.4)
    lot = inset(lot, np.full((len(lot), 4), 0.7))
    w, h = sizes(lot)
    style = rng.random(len(lot))
    wing = rng.uniform(4.2, 5.6, (len(lot), 1)) * np.ones((1, 4))
    wing[:, [1, 3]] *= 0.78
    inner = inset(lot, wing)
    roomy = (w > 13) & (h > 15)
    whole = np.flatnonzero(roomy & (style < 0.58))
    out.add(dev[plot[whole]], lot[whole], 1, holes=inner[whole][:, ::-1], storey=4.4, row=row[whole])
    # A yard that opens to the lane.
    k = np.flatnonzero(roomy & (style >= 0.58) & (style < 0.8))
    a, b, c, d = (lot[k, n] for n in range(4))
    ia, ib, ic, id_ = (inner[k, n] for n in range(4))
    opened = (b - a) / np.linalg.norm(b - a, axis=1, keepdims=True) * wing[k][:, 1:2]
    out.add(dev[plot[k]], np.stack([a, a + opened, id_, ic, b - opened, b, c, d], axis=1), 1, storey=4.4, row=row[k])
    # Two houses, north and south, with a yard between.
    k = np.flatnonzero(~roomy | ((style >= 0.8) & (style < 0.93)))
    one, zero = np.ones(len(k)), np.zeros(len(k))
    out.add(dev[plot[k]], piece(lot[k], zero, one, 0.62 * one, one), 1, storey=4.6, row=row[k])
    some = k[rng.random(len(k)) < 0.7]
    one, zero = np.ones(len(some)), np.zeros(len(some))
    out.add(dev[plot[some]], piece(lot[some], zero, one * rng.uniform(0.6, 1, len(some)), zero, 0.26 * one), 1, storey=4.0, row=row[some])
    k = np.flatnonzero(roomy & (style >= 0.93) & (style < 0.97))
    out.add(dev[plot[k]], inset(lot[k], np.full((len(k), 4), 2.0)), rng.integers(2, 5, len(k)), role="service", storey=3.3, row=row[k])


def village(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng) -> None:
    """Farmhouses in rows, each in the north of its yard."""
    width, height = sizes(quads)
    plot, lot, row = _lots(quads, np.maximum(1, np.round(width / 18)).astype(int), np.maximum(1, np.round(height / 25)).astype(int), rng, 0.18)
    keep = rng.random(len(lot)) > 0.2
    plot, lot, row = plot[keep], lot[keep], row[keep]
    n = len(lot)
    u0, u1 = rng.uniform(0.03, 0.12, n), rng.uniform(0.86, 0.97, n)
    v0, v1 = rng.uniform(0.45, 0.55, n), rng.uniform(0.84, 0.94, n)
    wing = rng.random(n) < 0.35
    k = np.flatnonzero(~wing)
    out.add(dev[plot[k]], piece(lot[k], u0[k], u1[k], v0[k], v1[k]), rng.choice([1, 1, 1, 2], len(k)), storey=3.6, row=row[k])
    k = np.flatnonzero(wing)
    main, side = piece(lot[k], u0[k], u1[k], v0[k], v1[k]), piece(lot[k], u0[k], u0[k] + 0.3, np.full(len(k), 0.1), v0[k])
    out.add(dev[plot[k]], np.stack([side[:, 0], side[:, 1], side[:, 2], main[:, 1], main[:, 2], main[:, 3]], axis=1), 1, storey=3.6, row=row[k])
