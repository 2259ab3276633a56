"""Plots and what was built on them, when: the life of every piece of land from before 1985 to the plans for 2030."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from layers.demo.blocks import Blocks
from layers.demo.calendar import REFERENCE
from layers.demo.kinds import FINAL, KINDS, PRIOR
from layers.demo.quads import inset, piece, sizes
from layers.demo.zones import ZONES, Zones

__all__ = ["Development", "Parcel", "Plots", "make_plots"]


@dataclass
class Parcel:
    """A piece of land with its own life, in years (nan: before records, or open); `uses` is [(from, land-use class)]."""

    quad: np.ndarray
    cell: tuple[int, int]
    block: int
    born: float
    gone: float
    uses: list[tuple[float, str]]


@dataclass
class Development:
    """What is built on a quad of a parcel: begun, done and cleared, in years (nan: never)."""

    quad: np.ndarray
    cell: tuple[int, int]
    block: int
    parcel: int
    kind: str
    start: float
    done: float
    end: float


@dataclass
class Plots:
    """All plots of the city: parcels, what was developed on them, and how parcels came from one another."""

    parcels: list[Parcel] = field(default_factory=list)
    developments: list[Development] = field(default_factory=list)
    # (kind, year, parcels before, parcels after)
    events: list[tuple[str, float, list[int], list[int]]] = field(default_factory=list)
    # Lanes between the rows of hutong blocks: (from point, to point, block, row, born, gone).
    lanes: list[tuple[np.ndarray, np.ndarray, int, int, float, float]] = field(default_factory=list)


NAN = float("nan")
# The last year that plans reach.
PLANNED_TO = 2030.9


class _Planner:
    def __init__(self, blocks: Blocks, zones: Zones, seed: int) -> None:
        self.blocks, self.zones = blocks, zones
        self.rng = np.random.default_rng([seed, 5])
        self.width, self.height = sizes(blocks.quad)
        self.out = Plots()

    def draw(self, chances: dict[str, float]) -> str:
        """Draw one name; the chances need not sum to one."""
        names = list(chances)
        return names[int(np.searchsorted(np.cumsum(list(chances.values())), self.rng.random() * sum(chances.values())))]

    def grid(self, b: int, nu: int, nv: int, lane_m: float = 0.0) -> list[np.ndarray]:
        """Cut block b into nu x nv quads; with a lane of `lane_m` metres between the rows."""
        quad = np.repeat(self.blocks.quad[b][None], nu * nv, axis=0)
        u, v = np.meshgrid(np.arange(nu), np.arange(nv))
        u, v = u.ravel(), v.ravel()
        gap = lane_m / max(self.height[b], 1) / 2
        v0, v1 = v / nv + np.where(v > 0, gap, 0), (v + 1) / nv - np.where(v < nv - 1, gap, 0)
        return list(piece(quad, u / nu, (u + 1) / nu, v0, v1))

    def cut(self, b: int, kind: str, pieces: int) -> list[np.ndarray]:
        """Cut block b into the plots of a kind."""
        if kind == "hutong":
            return self.grid(b, max(1, round(self.width[b] / 95)), max(1, round(self.height[b] / 64)), 5.0)
        if pieces == 1:
            return [self.blocks.quad[b]]
        across = self.width[b] >= self.height[b]
        return self.grid(b, pieces if across else 1, 1 if across else pieces)

    def parcel(self, quad: np.ndarray, b: int, born: float, gone: float, uses: list[tuple[float, str]]) -> int:
        self.out.parcels.append(Parcel(quad, tuple(self.blocks.cell[b]), b, born, gone, uses))
        return len(self.out.parcels) - 1

    def develop(self, parcel: int, b: int, kind: str, start: float, done: float, end: float = NAN, quad: np.ndarray | None = None) -> None:
        self.out.developments.append(Development(self.out.parcels[parcel].quad if quad is None else quad,
                                                 tuple(self.blocks.cell[b]), b, parcel, kind, start, done, end))

    def lanes(self, b: int, born: float, gone: float) -> None:
        rows = max(1, round(self.height[b] / 64))
        a, c, d, e = self.blocks.quad[b]
        for k in range(1, rows):
            f = k / rows
            self.out.lanes.append((a + (e - a) * f, c + (d - c) * f, b, k, born, gone))

    def year_done(self, zone: str, kind: str, b: int) -> float:
        """Draw the year a kind of development is done in a zone."""
        i, j = self.blocks.cell[b]
        x, y = self.zones.middle[i, j]
        r = max(abs(x), abs(y))
        rng = self.rng
        if kind == "hutong":
            return rng.uniform(1880, 1945)
        if zone == "newtown":
            town = self.zones.town[i, j]
            return 2007 + 21 * (1 - town) ** 0.8 + rng.normal(0, 2.5)
        spans = {"danwei": (1953, 1986), "slabs90": (1982, 1999), "towers90": (1988, 2001), "mixed00": (1999, 2012), "slabs00": (1999, 2011),
                 "towers10": (2009, 2027), "villas": (1997, 2012), "shops": (1978, 2018), "mall": (1992, 2024), "hotel": (1984, 2022),
                 "offices": (1984, 2026), "cbd": (1997, 2028), "techpark": (1999, 2026), "gov": (1956, 2014), "culture": (1985, 2026),
                 "factory": (1988, 2020), "logistic": (1998, 2023), "smallpark": (1985, 2025)}
        first, last = spans.get(kind, (1965, 2016))
        if kind in ("primary", "middle", "hospital", "elder", "substation", "heatworks", "firestation", "waterworks"):
            era = {"hutong": (1950, 1990), "danwei": (1955, 1990), "housing90": (1984, 2002), "housing00": (1999, 2014), "housing10": (2009, 2027)}
            first, last = era.get(zone, (1975, 2015))
        # The city grew outwards: the same kind came later further out.
        pull = np.clip(r / 11000, 0, 1.1) - 0.55
        share = np.clip(rng.beta(2.0, 2.0) + 0.35 * pull, 0, 1)
        return first + (last - first) * share

    def block(self, b: int) -> None:
        i, j = self.blocks.cell[b]
        zone = ZONES[self.zones.zone[i, j]]
        ring = int(self.zones.ring[i, j])
        if zone in ("farmland", "village"):
            return self.country(b, zone)
        if zone in ("forest", "green"):
            return None
        kind = self.draw(FINAL[zone])
        done = self.year_done(zone, kind, b)
        if kind in ("reserve", "smallpark") and done < 1985:
            done = 1990.0
        small = min(self.width[b], self.height[b]) < 110
        pieces = 1 if small or kind == "hutong" else int(self.rng.integers(1, KINDS[kind].most + 1))
        if done < 1985.5:
            if kind == "hutong":
                self.lanes(b, NAN, NAN)
            for quad in self.cut(b, kind, pieces):
                p = self.parcel(quad, b, NAN, NAN, [(NAN, KINDS[kind].purpose)])
                own = done + self.rng.uniform(0, 4)
                self.develop(p, b, kind, own - 1.5, own)
            return None
        return self.redevelop(b, kind, done, pieces, ring)

    def redevelop(self, b: int, kind: str, done: float, pieces: int, ring: int) -> None:
        """Build on land that was something else before."""
        rng = self.rng
        prior = self.draw(PRIOR[ring])
        done = min(done, PLANNED_TO - rng.uniform(0.1, 1.8))
        start = done - rng.uniform(*KINDS[kind].build_a) if KINDS[kind].build_a[1] else done
        granted = start - rng.uniform(0.3, 0.8)
        cleared = granted - rng.uniform(0.15, 0.6)
        old = {"hutong": rng.uniform(1880, 1940), "danwei": rng.uniform(1953, 1978), "oldfactory": rng.uniform(1954, 1979),
               "village": rng.uniform(1930, 1975)}.get(prior, NAN)
        before = 1 if prior != "hutong" else 0
        if prior in ("danwei", "oldfactory", "farmland") and pieces == 1 and rng.random() < 0.42:
            before = int(rng.integers(2, 4))
        elif pieces > 1 and prior == "danwei" and rng.random() < 0.4:
            before = pieces
        old_quads = self.cut(b, prior, before)
        if prior == "hutong":
            self.lanes(b, NAN, cleared)
        new_quads = self.cut(b, kind, pieces)
        purpose, old_purpose = KINDS[kind].purpose, KINDS[prior].purpose
        if len(old_quads) == len(new_quads):
            parcels = [self.parcel(q, b, NAN, NAN, [(NAN, old_purpose), (granted, purpose)] if purpose != old_purpose
                                   else [(NAN, purpose)]) for q in new_quads]
            olds = parcels
            if purpose != old_purpose and rng.random() < 0.12:      # the same land under a new number
                for p in parcels:
                    old_parcel = self.out.parcels[p]
                    old_parcel.gone, old_parcel.uses = granted, [(NAN, old_purpose)]
                olds = parcels
                parcels = [self.parcel(q, b, granted, NAN, [(granted, purpose)]) for q in new_quads]
                self.out.events += [("renumber", granted, [o], [p]) for o, p in zip(olds, parcels, strict=True)]
        else:
            olds = [self.parcel(q, b, NAN, granted, [(NAN, old_purpose)]) for q in old_quads]
            parcels = [self.parcel(q, b, granted, NAN, [(granted, purpose)]) for q in new_quads]
            event = "split" if len(olds) == 1 else "merge" if len(parcels) == 1 else "adjust"
            self.out.events.append((event, granted, olds, parcels))
        if prior != "farmland":
            for p in olds:
                quad = self.out.parcels[p].quad
                if prior == "village":       # a village fills a part of the land it owns
                    quad = inset(quad[None], np.full((1, 4), rng.uniform(45, 95)))[0]
                self.develop(p, b, prior, old - 1, old + rng.uniform(0, 3), cleared, quad)
        for k, p in enumerate(parcels):
            own = min(done + (rng.uniform(0, 2.2) if k else 0), PLANNED_TO)
            self.develop(p, b, kind, start + (own - done) * 0.7, own)

    def country(self, b: int, zone: str) -> None:
        """Fields, and now and then a village among them."""
        rng = self.rng
        nu, nv = max(1, round(self.width[b] / 420)), max(1, round(self.height[b] / 420))
        quads = self.grid(b, nu, nv)
        i, j = self.blocks.cell[b]
        wet = self.zones.middle[i, j][1] < -6000
        houses: set[int] = set()
        if zone == "village":
            first = int(rng.integers(len(quads)))
            houses = {first} | ({(first + 1) % len(quads)} if len(quads) > 3 and rng.random() < 0.5 else set())
        for k, quad in enumerate(quads):
            purpose = "0703" if k in houses else "0101" if wet and rng.random() < 0.5 else "0103"
            p = self.parcel(quad, b, NAN, NAN, [(NAN, purpose)])
            if k in houses:
                inner = inset(quad[None], rng.uniform(55, 120, (1, 4)))[0]
                # Some villages have been told that they will go.
                leaves = rng.uniform(REFERENCE + 0.4, REFERENCE + 2.8) if rng.random() < 0.25 else NAN
                self.develop(p, b, "village", 1940, rng.uniform(1935, 1982), leaves, inner)


def make_plots(blocks: Blocks, zones: Zones, seed: int) -> Plots:
    """Live through the history of every block."""
    planner = _Planner(blocks, zones, seed)
    for b in range(len(blocks.quad)):
        if min(planner.width[b], planner.height[b]) > 40:
            planner.block(b)
    return planner.out
