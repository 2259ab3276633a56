"""Classes of numbers for thematic maps: quantiles, Jenks, equal steps, standard deviations, or breaks by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_UNIQUE", "Classes", "Method", "classify", "jenks_starts"]

Method = Literal["quantile", "jenks", "equal", "deviation", "manual"]
# Up to so many different values Jenks' breaks are exact; more are first gathered into as many groups of neighbours.
MOST_UNIQUE = 1_000
GAPS = 200


@dataclass(frozen=True)
class Classes:
    """Classes of some numbers.

    Class n holds `edges[n] <= value < edges[n + 1]`, the last one its upper edge too. `counts` is how many values each holds,
    `no_data` how many there are without a value, `is_exact` whether nothing was gathered.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    no_data: int
    mean: float | None
    deviation: float | None
    is_exact: bool = True


def classify(values: NDArray[np.float64], method: Method, classes: int, breaks: Sequence[float] = ()) -> Classes:
    """Divide numbers into classes.

    Parameters
    ----------
    values
        Numbers; NaN and infinities are no data.
    method
        'quantile': as many values in each (linear interpolation, as numpy's). 'jenks': the least sum of squared deviations from the
        classes' means (Fisher 1958, by dynamic programming). 'equal': steps of equal width. 'deviation': steps of one standard
        deviation (of the population) around the mean. 'manual': at `breaks`.
    classes
        How many, 2 to 12; fewer come out where there are fewer different values.
    breaks
        Inner breaks, ascending, for 'manual'.

    Returns Classes, without edges where there is no number at all.

    >>> classify(np.array([]), "quantile", 5).edges
    ()
    """
    known = np.sort(values[np.isfinite(values)])
    no_data = int(len(values) - len(known))
    if len(known) == 0:
        return Classes((), (), no_data, None, None)
    low, high = float(known[0]), float(known[-1])
    mean, deviation = float(known.mean()), float(known.std())
    is_exact = True
    if low == high:
        inner: NDArray[np.float64] = np.array([])
    elif method == "quantile":
        inner = np.quantile(known, np.arange(1, classes) / classes)
    elif method == "equal":
        inner = np.linspace(low, high, classes + 1)[1:-1]
    elif method == "deviation":
        inner = mean + deviation * (np.arange(1, classes) - classes / 2)
    elif method == "manual":
        inner = np.array(breaks, dtype=float)
    else:
        inner, is_exact = _jenks(known, classes)
    inner = np.unique(inner[(inner > low) & (inner <= high)])
    # A last class of nothing but the greatest value has no width; its edges are both that value.
    edges = np.concatenate([[low], inner, [high]])
    counts = np.bincount(np.searchsorted(inner, known, side="right"), minlength=len(inner) + 1)
    return Classes(tuple(edges.tolist()), tuple(counts.tolist()), no_data, mean, deviation, is_exact)


def _jenks(known: NDArray[np.float64], classes: int) -> tuple[NDArray[np.float64], bool]:
    unique, weights = np.unique(known, return_counts=True)
    is_exact = len(unique) <= MOST_UNIQUE
    if is_exact:
        means, sizes, firsts = unique, weights.astype(float), unique
    else:
        # Groups of as many values each; but the widest gaps are between groups, never within one.
        ranks = np.searchsorted(np.cumsum(weights), np.arange(MOST_UNIQUE - GAPS) * len(known) / (MOST_UNIQUE - GAPS), side="right")
        starts = np.union1d(ranks, np.argsort(np.diff(unique))[-GAPS:] + 1)
        sizes = np.add.reduceat(weights.astype(float), starts)
        means, firsts = np.add.reduceat(unique * weights, starts) / sizes, unique[starts]
    return firsts[jenks_starts(means, sizes, classes)[1:]], is_exact


def jenks_starts(values: NDArray[np.float64], weights: NDArray[np.float64], classes: int) -> NDArray[np.int64]:
    """Return where each of Jenks' natural classes begins in ascending, different values with weights.

    Method: Fisher's optimal partition. With S(i, j) the weighted sum of squared deviations of values i…j from their mean,
    D(1, j) = S(0, j) and D(k, j) = min over i of D(k - 1, i - 1) + S(i, j); O(classes · n²).
    """
    n, k = len(values), min(classes, len(values))
    centred = values - values.mean()
    w, wx, wxx = (np.concatenate([[0.0], np.cumsum(weights * centred**p)]) for p in (0, 1, 2))
    first, last = np.arange(n)[:, None], np.arange(n)[None, :] + 1
    size = np.where(last > first, w[last] - w[first], 1.0)
    cost = np.where(last > first, wxx[last] - wxx[first] - (wx[last] - wx[first]) ** 2 / size, np.inf)
    best = cost[0]
    origin = np.zeros((k, n), dtype=np.int64)
    for step in range(1, k):
        before = np.concatenate([[np.inf], best[:-1]])
        total = before[:, None] + cost
        origin[step] = np.argmin(total, axis=0)
        best = total[origin[step], np.arange(n)]
    starts = np.zeros(k, dtype=np.int64)
    end = n - 1
    for step in range(k - 1, 0, -1):
        starts[step] = origin[step, end]
        end = starts[step] - 1
    return starts
