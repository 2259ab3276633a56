"""Pipe networks under the roads: each kind on its own line, with valves, hydrants and chambers, looped or as falling trees.

Each network is the road mesh moved sideways by its own offset, so that kinds keep their distance and cross only at
junctions, where their depths keep them apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely

from layers.demo.mesh import Mesh
from layers.demo.streets import Streets
from layers.demo.terrain import ground_m
from layers.demo.water import Water

__all__ = ["NETWORKS", "Edge", "Kind", "Network", "make_networks"]

NAN = float("nan")


@dataclass(frozen=True)
class Kind:
    """A network: letter code, sub-kind, offset from the middle of the road (m), cover depth (m), share of the roads, owner.

    `spacing_m` is the distance of its chambers or joints, `inner` what they are; `valve` the chance of a valve at each leg of
    a junction; `depth_to` says what depths are measured to.
    """

    letter: str
    sub: str
    offset_m: float
    depth_m: float
    share: float
    owner: str
    spacing_m: float = 68.0
    inner: tuple[str, ...] = ("straight",)
    valve: float = 0.0
    junction: str = ""
    source: str = "source"
    sources: int = 3
    depth_to: str = "top"
    falls: bool = False


NETWORKS = (
    Kind("JS", "104", 12.5, 1.5, .96, "示范市自来水集团", inner=("hydrant", "straight"), valve=.94),
    Kind("PS", "201", 5.0, 1.9, 1.0, "示范市排水集团", 60.0, ("manhole",), junction="manhole", depth_to="invert", falls=True),
    Kind("PS", "202", -4.5, 2.6, 1.0, "示范市排水集团", 60.0, ("manhole",), junction="manhole", depth_to="invert", falls=True),
    Kind("RQ", "303", -12.5, 1.15, .80, "示范市燃气集团", valve=.55, source="regulator"),
    Kind("RL", "401", -8.5, 1.4, .66, "示范市热力集团", valve=.6, sources=2),
    Kind("DL", "501", -16.5, 1.0, .82, "示范市电力公司", 64.0, ("manhole", "manhole", "straight"), junction="manhole", source="substation", sources=5),
    Kind("TX", "603", 16.5, 0.85, .82, "示范市信息管道公司", 62.0, ("handhole",), junction="handhole", source="cabinet", sources=5),
)
# Smallest falls of sewers by the number of road sections upstream, and their diameters (mm).
_UPSTREAM = np.array([0, 2, 5, 12, 30, 70, 140])
_FALL = np.array([.0018, .0014, .0011, .0009, .0008, .0007, .0006])
_SEWER = {"201": np.array([500, 700, 900, 1200, 1600, 2000, 2400]), "202": np.array([400, 500, 600, 800, 1000, 1350, 1650])}


@dataclass
class Edge:
    """A run of a network along one road section: its nodes in order, year built, and facts of all its segments."""

    nodes: list[int]
    begin: float
    size_mm: float
    road: str
    grade: int
    replaced: float = NAN


@dataclass
class Network:
    """Nodes as lists (local metres), and the runs between them; `depth` is to what the kind is measured to."""

    kind: Kind
    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    feature: list[str] = field(default_factory=list)
    depth: list[float] = field(default_factory=list)
    begin: list[float] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)

    def node(self, x: float, y: float, feature: str, depth: float, begin: float) -> int:
        """Add a node; return its number."""
        self.x.append(float(x))
        self.y.append(float(y))
        self.feature.append(feature)
        self.depth.append(depth)
        self.begin.append(begin)
        return len(self.x) - 1

    def starts(self, node: int, year: float) -> None:
        """See that a node is there from `year` on."""
        self.begin[node] = min(self.begin[node], year)


Section = tuple[tuple[int, int], tuple[int, int], int, str]


def _sections(mesh: Mesh, streets: Streets) -> list[Section]:
    """Return the road sections that have pipes: all inside the third ring, as (node, node, class, road)."""
    west, east, south, north = mesh.rings[3]
    out: list[Section] = [((i, j), (i + 1, j), int(mesh.h_class[i, j]), streets.along_h(i, j))
                          for i in range(west, east) for j in range(south, north + 1) if mesh.h_class[i, j]]
    out += [((i, j), (i, j + 1), int(mesh.v_class[i, j]), streets.along_v(i, j))
            for i in range(west, east + 1) for j in range(south, north) if mesh.v_class[i, j]]
    return out


def _year(mesh: Mesh, section: Section, rng: np.random.Generator) -> float:
    middle = (mesh.nodes[section[0]] + mesh.nodes[section[1]]) / 2
    r = max(abs(middle[0]), abs(middle[1]))
    return float(rng.uniform(1956, 1982) if r < 2900 else rng.uniform(1974, 2004))


def _connected(sections: list[Section]) -> list[Section]:
    """Return the largest connected part."""
    parent: dict[tuple[int, int], tuple[int, int]] = {}

    def root(n: tuple[int, int]) -> tuple[int, int]:
        while parent.setdefault(n, n) != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    for a, b, _, _ in sections:
        parent[root(a)] = root(b)
    roots = [root(a) for a, _, _, _ in sections]
    largest = max(set(roots), key=lambda r: (roots.count(r), r))
    return [s for s, r in zip(sections, roots, strict=True) if r == largest]


def _looped(kind: Kind, mesh: Mesh, sections: list[Section], rng: np.random.Generator) -> Network:
    """Lay a network with loops: pressure pipes, cables, ducts."""
    net = Network(kind)
    draw = rng.random(len(sections))
    laid = _connected([s for s, d in zip(sections, draw, strict=True) if d < kind.share])
    later = [s for s, d in zip(sections, draw, strict=True) if kind.share <= d < kind.share + .04]
    known = {n for s in laid for n in s[:2]}
    junction: dict[tuple[int, int], int] = {}

    def at(n: tuple[int, int], year: float) -> int:
        if n not in junction:
            x, y = mesh.nodes[n] + kind.offset_m
            junction[n] = net.node(x, y, kind.junction, kind.depth_m + rng.uniform(0, .25), year)
        net.starts(junction[n], year)
        return junction[n]

    for n, section in enumerate(laid + [s for s in later if s[0] in known and s[1] in known]):
        planned = n >= len(laid)
        year = float(rng.uniform(2027.2, 2030.6)) if planned else _year(mesh, section, rng)
        if kind.letter in ("RQ", "RL", "TX") and not planned:
            year = max(year + 18, 1985 + 20 * rng.random())
        size = {"JS": (800, 500, 300), "RQ": (500, 300, 200), "RL": (900, 600, 400), "DL": (1000, 800, 600), "TX": (600, 500, 400)}[kind.letter][section[2] - 1]
        start, end = at(section[0], year), at(section[1], year)
        a, b = np.array([net.x[start], net.y[start]]), np.array([net.x[end], net.y[end]])
        length = float(np.linalg.norm(b - a))
        stops: list[tuple[float, str]] = []
        reach = 9.0 + 2.0 * (kind.letter == "RQ")
        first = reach if rng.random() < kind.valve else 0.0
        last = length - reach if rng.random() < kind.valve else length
        if first:
            stops.append((first, "valve"))
        count = max(1, int(np.ceil((last - first) / kind.spacing_m)))
        stops += [(first + (last - first) * k / count, kind.inner[k % len(kind.inner)]) for k in range(1, count)]
        if last < length:
            stops.append((last, "valve"))
        inner = [net.node(*(a + (b - a) * s / length), feature, kind.depth_m + rng.uniform(0, .3), year) for s, feature in stops]
        run = Edge([start, *inner, end], year, float(size), section[3], section[2])
        if kind.letter == "JS" and year < 1986 and rng.random() < .3:
            run.replaced = float(rng.uniform(1998, 2025))
        net.edges.append(run)
    rim = sorted(junction, key=lambda n: -abs(n[0] - 21) - abs(n[1] - 18))
    for k in range(kind.sources):
        net.feature[junction[rim[k * len(rim) // (3 * kind.sources)]]] = kind.source
    return net


def _falling(kind: Kind, mesh: Mesh, sections: list[Section], waters: list[Water], rng: np.random.Generator) -> Network:
    """Lay sewers: each junction drains to its lowest neighbour, storm water ends at the next canal."""
    net = Network(kind)
    nodes = sorted({n for s in sections for n in s[:2]})
    place = {n: mesh.nodes[n] + kind.offset_m for n in nodes}
    height = {n: -0.0011 * place[n][0] + 0.0006 * place[n][1] for n in nodes}
    sinks: set[tuple[int, int]] = set()
    if kind.sub == "201":
        water = shapely.union_all([w.shape for w in waters if w.kind != "lake"])
        sinks = {n for n in nodes if shapely.distance(shapely.Point(place[n]), water) < 110}
    lowest: dict[tuple[int, int], Section] = {}
    for s in sections:
        for here, there in ((s[0], s[1]), (s[1], s[0])):
            if height[there] < height[here] and here not in sinks:
                best = lowest.get(here)
                other = best and (best[1] if best[0] == here else best[0])
                if best is None or height[there] < height[other]:      # type: ignore[index]
                    lowest[here] = s
    trunk = {id(s) for s in lowest.values()}
    upstream = dict.fromkeys(nodes, 0)
    invert: dict[tuple[int, int], float] = {}
    junction: dict[tuple[int, int], int] = {}
    incoming: dict[tuple[int, int], list[Section]] = {}
    for s in sections:
        if id(s) not in trunk:
            incoming.setdefault(min(s[:2], key=lambda n: height[n]), []).append(s)

    def lay(section: Section, here: tuple[int, int], there: tuple[int, int], begin: int | None, level: float, share: float) -> float:
        """Lay one run from `here` towards `there`; return the level it arrives with."""
        year = _year(mesh, section, rng)
        a, b = place[here] + (place[there] - place[here]) * share, place[there]
        length = float(np.linalg.norm(b - a))
        grade = int(np.searchsorted(_UPSTREAM, upstream[here] if begin is not None else 0, "right")) - 1
        count = max(1, int(np.ceil(length / kind.spacing_m)))
        points = a + (b - a) * (np.arange(count + 1) / count)[:, None]
        ground = ground_m(points[:, 0], points[:, 1])
        if begin is None:
            level = float(ground[0]) - kind.depth_m
            begin = net.node(*points[0], "manhole", kind.depth_m, year)
        net.starts(begin, year)
        run = [begin]
        for k in range(1, count):
            level = min(level - _FALL[grade] * length / count, float(ground[k]) - kind.depth_m)
            run.append(net.node(*points[k], "manhole", float(ground[k]) - level, year))
        level = min(level - _FALL[grade] * length / count, float(ground[-1]) - kind.depth_m)
        net.edges.append(Edge([*run, -1], year, float(_SEWER[kind.sub][grade]), section[3], section[2]))
        return level

    arriving: dict[tuple[int, int], list[Edge]] = {}
    for n in sorted(nodes, key=lambda n: -height[n]):
        for s in incoming.get(n, ()):
            other = s[0] if s[1] == n else s[1]
            level = lay(s, other, n, None, 0.0, .28)
            arriving.setdefault(n, []).append(net.edges[-1])
            invert[n] = min(invert.get(n, np.inf), level)
            upstream[n] += 1
        ground = float(ground_m(*place[n]))
        level = min(invert.get(n, np.inf), ground - kind.depth_m)
        years = [e.begin for e in arriving.get(n, ())]
        down = lowest.get(n)
        feature = "manhole" if down else "outfall"
        junction[n] = net.node(*place[n], feature, ground - level, min(years, default=2100.0))
        for e in arriving.get(n, ()):
            e.nodes[-1] = junction[n]
        if down:
            there = down[1] if down[0] == n else down[0]
            reached = lay(down, n, there, junction[n], level, 0.0)
            arriving.setdefault(there, []).append(net.edges[-1])
            invert[there] = min(invert.get(there, np.inf), reached)
            upstream[there] += upstream[n] + 1
    return net


def make_networks(mesh: Mesh, streets: Streets, waters: list[Water], seed: int) -> list[Network]:
    """Lay all networks."""
    sections = _sections(mesh, streets)
    return [_falling(kind, mesh, sections, waters, np.random.default_rng([seed, 24, n])) if kind.falls
            else _looped(kind, mesh, sections, np.random.default_rng([seed, 24, n])) for n, kind in enumerate(NETWORKS)]
