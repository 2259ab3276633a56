"""Kinds of development: what is built on a plot, on which land, how long it takes, and how many plots share a block."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FINAL", "KINDS", "Kind", "PRIOR"]


@dataclass(frozen=True)
class Kind:
    """A kind of development.

    `purpose` is the land-use class; `build_a` how many years it takes to build; `most` into how many plots a block of it
    may fall; `named` how it gets its name (compound, work unit, tower, institution; empty: none).
    """

    purpose: str
    build_a: tuple[float, float] = (1.2, 2.5)
    most: int = 2
    named: str = ""


KINDS: dict[str, Kind] = {
    "hutong": Kind("0701", (0.5, 1.0), 1),
    "danwei": Kind("0701", (1.0, 2.0), 2, "work_unit"),
    "slabs90": Kind("0701", (1.2, 2.2), 2, "estate"),
    "towers90": Kind("0701", (1.5, 2.5), 2, "estate"),
    "mixed00": Kind("0701", (1.6, 2.8), 3, "compound"),
    "slabs00": Kind("0701", (1.4, 2.2), 3, "compound"),
    "towers10": Kind("0701", (1.8, 3.0), 3, "compound"),
    "villas": Kind("0701", (1.2, 2.0), 1, "compound"),
    "shops": Kind("0901", (1.0, 1.8), 2),
    "mall": Kind("0901", (1.8, 2.8), 1, "mall"),
    "hotel": Kind("0901", (1.8, 2.6), 2, "hotel"),
    "offices": Kind("0902", (1.6, 2.8), 2, "tower"),
    "cbd": Kind("0902", (2.4, 4.2), 2, "tower"),
    "techpark": Kind("0902", (1.4, 2.4), 2, "park"),
    "gov": Kind("0801", (1.2, 2.2), 2, "office"),
    "culture": Kind("0803", (1.6, 2.6), 1, "culture"),
    "primary": Kind("0804", (1.0, 1.6), 1, "primary"),
    "middle": Kind("0804", (1.2, 1.8), 1, "middle"),
    "hospital": Kind("0806", (2.0, 3.2), 1, "hospital"),
    "elder": Kind("0807", (1.0, 1.8), 1, "elder"),
    "factory": Kind("1001", (0.9, 1.6), 2, "factory"),
    "oldfactory": Kind("1001", (1.0, 2.0), 2, "factory"),
    "logistic": Kind("1101", (0.8, 1.3), 2, "logistic"),
    "waterworks": Kind("1301", (1.0, 2.0), 1, "waterworks"),
    "substation": Kind("1303", (1.0, 1.6), 1, "substation"),
    "heatworks": Kind("1305", (1.0, 2.0), 1, "heatworks"),
    "firestation": Kind("1310", (0.9, 1.4), 1, "firestation"),
    "village": Kind("0703", (0.5, 1.0), 1, "village"),
    "farmland": Kind("0103", (0, 0), 1),
    "smallpark": Kind("1401", (0.6, 1.0), 1, "garden"),
    "reserve": Kind("1600", (0, 0), 1),
    "campus": Kind("0804", (1.2, 2.2), 1),
    "palace": Kind("1504", (2, 4), 1),
    "temple": Kind("1504", (2, 4), 1),
    "station": Kind("1208", (2.5, 3.5), 1),
    "stadium": Kind("0805", (2.5, 3.5), 1),
    "expo": Kind("0803", (2.0, 3.0), 1),
    "works": Kind("0803", (2.0, 3.0), 1),
    "pavilions": Kind("1401", (0.5, 1.0), 1),
}

_SERVICES = {"primary": .055, "middle": .03, "shops": .045, "offices": .03, "smallpark": .04, "hospital": .012, "elder": .012,
             "gov": .012, "substation": .01, "heatworks": .006, "firestation": .006, "culture": .008}

# What stands in a zone now, and in what shares.
FINAL: dict[str, dict[str, float]] = {
    "hutong": {"hutong": .80, "primary": .04, "middle": .025, "shops": .045, "offices": .03, "danwei": .03, "smallpark": .02, "culture": .01},
    "danwei": {"danwei": .60, "towers90": .06, "mixed00": .06, **_SERVICES},
    "housing90": {"slabs90": .44, "towers90": .22, "mixed00": .06, **_SERVICES},
    "housing00": {"mixed00": .48, "slabs00": .22, "villas": .007, **_SERVICES},
    "housing10": {"towers10": .58, "mixed00": .12, "villas": .005, **_SERVICES},
    "newtown": {"towers10": .42, "mixed00": .12, "slabs00": .05, "villas": .008, "offices": .06, "mall": .03, "techpark": .05,
                "reserve": .05, **_SERVICES},
    "office": {"offices": .70, "hotel": .08, "mall": .06, "towers90": .06, "gov": .04, "smallpark": .03, "culture": .03},
    "commercial": {"mall": .38, "shops": .24, "hotel": .12, "offices": .22, "smallpark": .04},
    "cbd": {"cbd": .84, "hotel": .06, "smallpark": .06, "mall": .04},
    "finance": {"offices": .55, "cbd": .33, "smallpark": .06, "hotel": .06},
    "tech": {"techpark": .78, "offices": .08, "shops": .03, "smallpark": .07, "towers10": .04},
    "government": {"gov": .72, "culture": .10, "offices": .10, "smallpark": .08},
    "industry": {"factory": .70, "logistic": .08, "techpark": .06, "danwei": .05, "substation": .02, "waterworks": .02, "reserve": .03, "offices": .04},
    "logistics": {"logistic": .82, "factory": .12, "reserve": .06},
    "reserve": {"reserve": .8, "smallpark": .2},
}

# What stood there before it was developed, by ring.
PRIOR: dict[int, dict[str, float]] = {
    2: {"hutong": .34, "danwei": .54, "oldfactory": .12},
    3: {"danwei": .30, "oldfactory": .16, "village": .016, "hutong": .012, "farmland": .512},
    4: {"danwei": .08, "oldfactory": .09, "village": .014, "farmland": .816},
    5: {"oldfactory": .06, "village": .014, "farmland": .926},
    6: {"oldfactory": .02, "village": .03, "farmland": .95},
}
