"""What else is built on plots: offices, malls, schools, hospitals, factories, plants, and the sports grounds of schools."""

from __future__ import annotations

import numpy as np

from layers.demo.packing import Footprints, Slots, pack
from layers.demo.quads import frame_of, inset, piece, sizes
from layers.demo.shapes import bar, bent, comb, cross, ell, ellipse, moved, notched, stepped, tee, yard

__all__ = ["FILLERS", "Fields"]

Rng = np.random.Generator
# Sports grounds as (development, ring) of the schools that own them.
Fields = list[tuple[int, np.ndarray]]


def _place(out: Footprints, dev: np.ndarray, s: Slots, rings: np.ndarray, **more: object) -> None:
    out.add(dev[s.plot], moved(rings, s.middle, s.angle), row=s.row, **more)     # type: ignore[arg-type]


def _spot(quads: np.ndarray, u: float, v: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a place at fractions (u, v) of each quad, and the quad's angle."""
    n = len(quads)
    return piece(quads, np.full(n, u), np.full(n, u), np.full(n, v), np.full(n, v))[:, 0], frame_of(quads)[1]


def _put(out: Footprints, dev: np.ndarray, quads: np.ndarray, u: float, v: float, ring: np.ndarray, floors: np.ndarray | int, role: str = "main",
         storey: float = 3.6) -> None:
    middle, angle = _spot(quads, u, v)
    out.add(dev, moved(ring, middle, angle), floors, role=role, storey=storey)


def _field(fields: Fields, dev: np.ndarray, quads: np.ndarray, v0: float, v1: float) -> None:
    """Lay an oval sports ground into a band of each quad."""
    n = len(quads)
    band = inset(piece(quads, np.full(n, 0.06), np.full(n, 0.94), np.full(n, v0), np.full(n, v1)), np.full((n, 4), 4.0))
    w, h = sizes(band)
    w, h = np.minimum(w, 176.0), np.minimum(h, 92.0)
    middle, angle, _ = frame_of(band)
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    power = 0.62        # a track: straight sides, round ends
    x, y = np.sign(np.cos(t)) * np.abs(np.cos(t)) ** power, np.sign(np.sin(t)) * np.abs(np.sin(t)) ** power
    rings = moved(np.stack([x[None] * w[:, None] / 2, y[None] * h[:, None] / 2], axis=-1), middle, angle)
    fields.extend((int(d), r) for d, r, a, b in zip(dev, rings, w, h, strict=True) if a > 45 and b > 28)


def shops(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    n = len(quads)
    _, height = sizes(quads)
    for south in (True, False):        # a row of shops along the streets, a market between them
        depth = 24 / height
        strip = piece(quads, np.zeros(n), np.ones(n), np.zeros(n) if south else 1 - depth, depth if south else np.ones(n))
        s = pack(strip, rng.uniform(46, 74, n), 15.0, 5.0, 4.0, 4.0, stretch=1.3)
        _place(out, dev, s, bar(s.w, s.d), floors=rng.integers(2, 5, len(s)), storey=4.0)
    core = inset(quads, np.broadcast_to([32.0, 8.0, 32.0, 8.0], (n, 4)))
    core = np.where((height > 110)[:, None, None], core, quads[:, :1])
    s = pack(np.where((height > 110)[:, None, None], core, inset(quads, np.full((n, 4), 24.0))), rng.uniform(52, 84, n), rng.uniform(30, 46, n), 14.0, 20.0, 0.0, stretch=1.2)
    s = s.at(rng.random(len(s)) > 0.2)
    style = rng.random(len(s)) < 0.4
    k = np.flatnonzero(style)
    _place(out, dev, s.at(k), ell(s.w[k], s.d[k], s.d[k] * 0.45), floors=rng.integers(3, 7, len(k)), storey=4.2)
    k = np.flatnonzero(~style)
    _place(out, dev, s.at(k), bar(s.w[k], s.d[k]), floors=rng.integers(1, 5, len(k)), storey=4.8)


def mall(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    n = len(quads)
    core = inset(quads, np.broadcast_to(rng.uniform(14, 26, (n, 1)), (n, 4)))
    w, h = sizes(core)
    s = pack(core, np.clip(w - 4, 30, 190), np.clip(h * 0.46, 24, 110), 14.0, 16.0, 1.0)
    style = rng.integers(0, 3, n)[s.plot]
    for number, ring in enumerate((lambda a, b: cross(a, b, np.full(len(a), 9.0)), bar, lambda a, b: bent(a, b, np.full(len(a), 8.0)))):
        k = np.flatnonzero(style == number)
        _place(out, dev, s.at(k), ring(s.w[k], s.d[k]), floors=rng.integers(4, 9, len(k)), storey=5.0)


def _podium(out: Footprints, dev: np.ndarray, s: Slots, floors: np.ndarray, rng: Rng, share: float, storey: float, split: np.ndarray) -> None:
    """Draw towers; where `split`, with a podium around them (a joint of 0.2 m between)."""
    w, d = s.w * share, s.d * share
    turn = rng.integers(0, 3, len(s))
    for number, ring in enumerate((bar, lambda a, b: cross(a, b, np.minimum(a, b) * 0.16), lambda a, b: bent(a, b, b * 0.1))):
        k = np.flatnonzero(turn == number)
        _place(out, dev, s.at(k), ring(w[k], d[k]), floors=floors[k], role="tower", storey=storey)
    k = np.flatnonzero(split)
    outer = moved(bar(s.w[k], s.d[k]), s.middle[k], s.angle[k])
    hole = moved(bar(w[k] + 0.4, d[k] + 0.4), s.middle[k], s.angle[k])
    out.add(dev[s.plot[k]], outer, rng.integers(3, 6, len(k)), role="podium", storey=4.8, holes=hole[:, ::-1], row=s.row[k])


def offices(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    n = len(quads)
    s = pack(quads, rng.uniform(52, 84, n), rng.uniform(38, 60, n), rng.uniform(16, 26, n), rng.uniform(20, 34, n), 9.0)
    s = s.at(rng.random(len(s)) > 0.14)
    s.w, s.d = s.w * rng.uniform(.72, 1, len(s)), s.d * rng.uniform(.72, 1, len(s))
    high = rng.integers(9, 27, n)
    _podium(out, dev, s, np.clip(high[s.plot] + rng.integers(-4, 5, len(s)), 6, 34), rng, 0.62, 3.9, rng.random(len(s)) < 0.5)


def cbd(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    n = len(quads)
    s = pack(quads, rng.uniform(72, 100, n), rng.uniform(62, 88, n), 20.0, 24.0, 10.0)
    s.w, s.d = s.w * rng.uniform(.76, 1, len(s)), s.d * rng.uniform(.76, 1, len(s))
    floors = np.clip(rng.lognormal(3.65, 0.3, len(s)), 24, 96).astype(int)
    # The tallest stand near the crossing of the third ring and the great avenue.
    near = np.exp(-((np.hypot(s.middle[:, 0] - 5350, s.middle[:, 1] + 250) / 900) ** 2))
    _podium(out, dev, s, (floors * (0.85 + 0.75 * near)).astype(int).clip(20, 108), rng, 0.6, 4.1, rng.random(len(s)) < 0.75)


def hotel(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    n = len(quads)
    s = pack(quads, rng.uniform(70, 96, n), rng.uniform(46, 60, n), 26.0, 34.0, 9.0)
    s = s.at((s.row * s.cols + s.col) % 3 == 0)
    top = rng.integers(10, 24, len(s))
    _place(out, dev, s, tee(s.w, s.d, s.d * 0.42), floors=top, role="tower", storey=3.5)


def techpark(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    n = len(quads)
    s = pack(quads, rng.uniform(50, 74, n), rng.uniform(36, 50, n), 16.0, 20.0, 9.0)
    s = s.at(rng.random(len(s)) > 0.06)
    floors = np.clip(rng.integers(4, 10, n)[s.plot] + rng.integers(-1, 3, len(s)), 3, 14)
    style = rng.integers(0, 4, n)[s.plot]
    wing = np.full(len(s), 15.0)
    for number, ring in enumerate((ell, yard, bar, comb)):
        k = np.flatnonzero(style == number)
        args = (s.w[k], s.d[k] * (0.5 if ring is bar else 1)) + (() if ring is bar else (wing[k],))
        _place(out, dev, s.at(k), ring(*args), floors=floors[k], storey=4.0)


def gov(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    w, h = sizes(quads)
    n, full = len(quads), np.ones(len(quads))
    _put(out, dev, quads, .5, .64, bent(np.clip(w * .42, 36, 90), np.clip(h * .15, 16, 26), full * 3), rng.integers(4, 13, n), "main", 3.7)
    for u in (.17, .83):
        _put(out, dev, quads, u, .42, bar(np.clip(w * .1, 11, 16), np.clip(h * .36, 24, 80)), rng.integers(3, 7, n), "office", 3.5)
    for u in (.26, .74):
        _put(out, dev, quads, u, .88, notched(np.clip(w * .26, 28, 62), full * 12.5, 2), rng.integers(4, 7, n), "dormitory", 3.0)
    k = np.flatnonzero(h > 170)
    _put(out, dev[k], quads[k], .5, .36, bar(np.clip(w[k] * .22, 26, 54), full[k] * 20), rng.integers(2, 5, len(k)), "service", 4.0)


def school(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    w, h = sizes(quads)
    n, full = len(quads), np.ones(len(quads))
    _field(fields, dev, quads, 0.04, 0.47)
    big = np.clip(w * .5, 34, 92)
    style = rng.random(n)
    for chosen, ring in ((style < .45, comb), ((style >= .45) & (style < .75), yard), (style >= .75, ell)):
        k = np.flatnonzero(chosen)
        _put(out, dev[k], quads[k], .36, .70, ring(big[k], np.clip(h[k] * .26, 26, 52), full[k] * 10.5), rng.integers(3, 6, len(k)), "main", 3.7)
    _put(out, dev, quads, .82, .68, bar(np.clip(w * .2, 18, 34), np.clip(h * .2, 20, 44)), 2, "hall", 5.5)
    _put(out, dev, quads, .5, .92, bar(np.clip(w * .5, 30, 70), full * 10), rng.integers(2, 5, n), "service", 3.4)


def hospital(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    w, h = sizes(quads)
    n, full = len(quads), np.ones(len(quads))
    _put(out, dev, quads, .5, .24, cross(np.clip(w * .55, 40, 110), np.clip(h * .2, 24, 46), full * 8), rng.integers(4, 7, n), "main", 4.2)
    _put(out, dev, quads, .5, .54, notched(np.clip(w * .5, 40, 86), full * 19, 3), rng.integers(11, 21, n), "tower", 3.8)
    _put(out, dev, quads, .27, .82, bar(np.clip(w * .28, 24, 54), full * 17), rng.integers(5, 9, n), "service", 3.8)
    _put(out, dev, quads, .74, .82, ell(np.clip(w * .26, 24, 50), np.clip(h * .14, 18, 30), full * 11), rng.integers(3, 7, n), "service", 3.8)


def elder(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    n = len(quads)
    s = pack(quads, rng.uniform(40, 56, n), rng.uniform(30, 38, n), 18.0, 24.0, 9.0)
    s = s.at((s.col < 2) & (s.row < 3))
    _place(out, dev, s, yard(s.w, s.d, np.full(len(s), 11.0)), floors=rng.integers(3, 7, len(s)), storey=3.3)


def culture(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    w, h = sizes(quads)
    n = len(quads)
    side = np.clip(np.minimum(w, h) * .48, 36, 130)
    style = rng.integers(0, 3, n)
    for number, ring in enumerate((lambda a: ellipse(a * 1.25, a), lambda a: cross(a, a, a * .22), lambda a: stepped(a * 1.2, a * .8, a * .2))):
        k = np.flatnonzero(style == number)
        _put(out, dev[k], quads[k], .5, .56, ring(side[k]), rng.integers(3, 6, len(k)), "main", 6.5)
    _put(out, dev, quads, .5, .12, bar(np.clip(w * .3, 20, 60), np.full(n, 11.0)), 2, "service", 4)


def factory(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    n = len(quads)
    s = pack(quads, rng.uniform(68, 125, n), rng.uniform(30, 48, n), rng.uniform(11, 18, n), rng.uniform(12, 18, n), 8.0, stretch=1.3)
    keep = rng.random(len(s))
    halls = s.at(keep > .2)
    _place(out, dev, halls, bar(halls.w, halls.d), floors=1 + (rng.random(len(halls)) < .3), role="hall", storey=9.0)
    k = s.at(keep < .11)
    _place(out, dev, k, ell(np.minimum(k.w, 52.0), k.d, np.minimum(k.d * .45, 14.0)), floors=rng.integers(3, 6, len(k)), role="office", storey=3.7)


def oldfactory(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    n = len(quads)
    s = pack(quads, rng.uniform(50, 96, n), rng.uniform(20, 30, n), rng.uniform(12, 20, n), rng.uniform(13, 20, n), 7.0, stretch=1.2)
    keep = rng.random(len(s))
    halls = s.at(keep > .3)
    _place(out, dev, halls, bar(halls.w, halls.d), floors=1, role="hall", storey=8.0)
    k = s.at(keep < .04)
    _place(out, dev, k, ellipse(np.full(len(k), 5.0), np.full(len(k), 5.0), 16), floors=1, role="chimney", storey=55.0)
    k = s.at((keep > .04) & (keep < .12))
    _place(out, dev, k, bar(np.minimum(k.w, 36.0), np.minimum(k.d, 12.0)), floors=rng.integers(2, 4, len(k)), role="office", storey=3.6)


def logistic(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    n = len(quads)
    s = pack(quads, rng.uniform(95, 150, n), rng.uniform(48, 66, n), 22.0, 30.0, 10.0, stretch=1.3)
    _place(out, dev, s, bar(s.w, s.d), floors=1, role="hall", storey=rng.uniform(10, 13, len(s)))


def waterworks(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    s = pack(quads, 34.0, 34.0, 10.0, 10.0, 10.0)
    # A works keeps to the middle of its land, however large that is.
    s = s.at((np.abs(s.col - (s.cols - 1) / 2) < 3) & (np.abs(s.row - (s.rows - 1) / 2) < 2.5))
    tank = s.row % 4 < 3
    k = s.at(tank)
    _place(out, dev, k, ellipse(k.w, k.d, 32), floors=1, role="tank", storey=6.0)
    k = s.at(~tank & (s.col % 2 == 0))
    _place(out, dev, k, bar(k.w, k.d * .6), floors=2, role="hall", storey=5.0)


def substation(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    n = len(quads)
    _put(out, dev, quads, .5, .55, bar(np.full(n, 44.0), np.full(n, 22.0)), 2, "hall", 6.0)
    _put(out, dev, quads, .5, .25, bar(np.full(n, 24.0), np.full(n, 11.0)), 2, "office", 3.6)


def heatworks(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    n = len(quads)
    _put(out, dev, quads, .5, .6, bar(np.full(n, 64.0), np.full(n, 30.0)), 2, "hall", 9.0)
    _put(out, dev, quads, .82, .6, ellipse(np.full(n, 6.0), np.full(n, 6.0), 20), 1, "chimney", 80.0)
    _put(out, dev, quads, .4, .2, bar(np.full(n, 34.0), np.full(n, 13.0)), 4, "office", 3.6)


def firestation(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    n = len(quads)
    _put(out, dev, quads, .45, .6, bar(np.full(n, 42.0), np.full(n, 16.0)), 4, "main", 3.8)
    _put(out, dev, quads, .8, .6, bar(np.full(n, 6.0), np.full(n, 6.0)), 8, "tower", 3.2)


def campus(out: Footprints, dev: np.ndarray, quads: np.ndarray, rng: Rng, fields: Fields) -> None:
    """One court of a campus: teaching wings, a block of dormitories, a library or a sports ground."""
    n = len(quads)
    style = rng.choice(5, n, p=[.30, .24, .28, .08, .10])
    k = np.flatnonzero(style == 4)
    _field(fields, dev[k], quads[k], 0.05, 0.95)
    k = np.flatnonzero(style == 3)
    w, h = sizes(quads[k])
    _put(out, dev[k], quads[k], .5, .5, cross(np.clip(w * .5, 40, 90), np.clip(h * .5, 40, 80), np.full(len(k), 12.0)), rng.integers(5, 12, len(k)), "main", 4.2)
    k = np.flatnonzero(style == 2)
    s = pack(quads[k], 52.0, 13.0, 12.0, 21.0, 7.0, stretch=1.2)
    _place(out, dev[k], s, notched(s.w, s.d, 2), floors=rng.integers(4, 8, len(s)), role="dormitory", storey=3.3)
    for number, ring in ((0, yard), (1, ell)):
        k = np.flatnonzero(style == number)
        s = pack(quads[k], 58.0, 46.0, 16.0, 18.0, 8.0, stretch=1.15)
        _place(out, dev[k], s, ring(s.w, s.d, np.full(len(s), 13.5)), floors=rng.integers(3, 8, len(s)), storey=3.9)


FILLERS = {"shops": shops, "mall": mall, "offices": offices, "cbd": cbd, "hotel": hotel, "techpark": techpark, "gov": gov, "primary": school,
           "middle": school, "hospital": hospital, "elder": elder, "culture": culture, "factory": factory, "oldfactory": oldfactory,
           "logistic": logistic, "waterworks": waterworks, "substation": substation, "heatworks": heatworks, "firestation": firestation,
           "campus": campus}
