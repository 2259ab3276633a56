"""What each cell of the mesh is: hutong, housing of an era, business, industry, village, farmland, new town."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from layers.demo.mesh import Mesh
from layers.demo.regions import NEW_TOWNS
from layers.demo.terrain import hilliness

__all__ = ["ZONES", "Zones", "make_zones"]

ZONES = ("region", "hutong", "danwei", "housing90", "housing00", "housing10", "office", "commercial", "cbd", "finance", "tech",
         "government", "industry", "logistics", "village", "farmland", "forest", "green", "newtown", "reserve")

# Chances by ring; the rest of each row is farmland.
_CHANCES = {
    2: {"hutong": .44, "danwei": .18, "housing90": .10, "office": .10, "commercial": .09, "government": .09},
    3: {"danwei": .34, "housing90": .26, "housing00": .12, "office": .12, "commercial": .09, "government": .05, "green": .02},
    4: {"danwei": .14, "housing90": .32, "housing00": .26, "office": .08, "commercial": .06, "tech": .02, "industry": .06, "green": .06},
    5: {"danwei": .03, "housing90": .14, "housing00": .33, "housing10": .15, "office": .04, "commercial": .03, "industry": .07,
        "logistics": .03, "village": .025, "green": .12, "reserve": .02},
    6: {"housing10": .03, "industry": .04, "logistics": .03, "village": .10, "forest": .09, "green": .05, "reserve": .03},
}


@dataclass
class Zones:
    """Zone (index into ZONES), ring and new-town nearness of each cell (nx-1, ny-1)."""

    zone: np.ndarray
    ring: np.ndarray
    town: np.ndarray
    middle: np.ndarray

    def is_zone(self, *names: str) -> np.ndarray:
        """Return which cells are of these zones."""
        return np.isin(self.zone, [ZONES.index(n) for n in names])


def make_zones(mesh: Mesh, seed: int) -> Zones:
    """Decide every cell."""
    rng = np.random.default_rng([seed, 2])
    middle = mesh.cells.mean(axis=2)
    x, y = middle[..., 0], middle[..., 1]
    ci, cj = np.meshgrid(np.arange(x.shape[0]), np.arange(x.shape[1]), indexing="ij")
    ring = mesh.ring_of(ci, cj)
    zone = np.full(x.shape, ZONES.index("farmland"))
    for number, chances in _CHANCES.items():
        names = [ZONES.index(n) for n in chances] + [ZONES.index("farmland")]
        odds = np.array([*chances.values(), max(0.0, 1 - sum(chances.values()))])
        drawn = rng.choice(names, x.shape, p=odds / odds.sum())
        zone = np.where(ring == number, drawn, zone)

    def place(name: str, where: np.ndarray, chance: float = 1.0) -> None:
        zone[where & (rng.random(x.shape) < chance)] = ZONES.index(name)

    core = ring == 2
    place("hutong", core & (np.hypot(x, (y - 1300) * 0.8) < 1750), 0.85)
    place("commercial", core & (abs(y + 900) < 420) & (abs(x) < 1000), 0.8)
    place("government", core & (abs(y - 20) < 420) & (abs(x) < 1400), 0.75)
    place("cbd", (abs(x - 5350) < 1250) & (abs(y + 250) < 960), 0.95)
    place("office", (abs(x - 5350) < 2300) & (abs(y + 250) < 1400) & (ring > 2), 0.35)
    place("finance", (x < -2620) & (x > -3700) & (y > -860) & (y < 960), 0.95)
    place("tech", (x > -9600) & (x < -6900) & (y > 7500) & (y < 10900), 0.85)
    place("tech", (x > -5600) & (x < -4200) & (y > 4900) & (y < 6300), 0.6)
    place("industry", (x > 6900) & (y < -2600) & (ring == 5), 0.4)
    place("industry", (x > 3000) & (y < -7000) & (ring >= 5) & (np.hypot(x - 9500, y + 9500) < 3300), 0.55)
    place("industry", (x < -7600) & (y < -4000) & (ring == 5), 0.28)
    place("logistics", (np.hypot(x - 3500, y + 13800) < 2200), 0.5)
    place("logistics", (np.hypot(x - 16300, y - 5200) < 1900), 0.5)
    town = np.zeros(x.shape)
    for tx, ty, radius, _ in NEW_TOWNS:
        town = np.maximum(town, 1 - np.hypot(x - tx, y - ty) / radius)
    place("newtown", (ring == 6) & (town > 0), 0.78)
    place("newtown", (ring == 6) & (town > 0.45))
    hill = hilliness(x, y)
    place("village", (hill > -1500) & (hill < 150), 0.22)
    place("forest", hill > -250)
    zone[mesh.region >= 0] = ZONES.index("region")
    # A cell at the border of the extent has no road behind it.
    edge = (ci == 0) | (cj == 0) | (ci == ci.max()) | (cj == cj.max())
    place("farmland", edge & ~np.isin(zone, [ZONES.index("forest"), ZONES.index("region")]))
    return Zones(zone, ring, town, middle)
