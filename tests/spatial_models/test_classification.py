"""Classes of thematic maps: Jenks against every possible partition, the others against their definitions."""

from __future__ import annotations

import statistics
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from spatial_models.classification import MOST_UNIQUE, classify, jenks_starts

# Skewed, with repetitions.
SKEWED = np.array([1, 1, 2, 2, 3, 7, 8, 9, 9, 20, 22, 23, 50, 51, 90], dtype=float)


def spread(values: np.ndarray, starts: list[int]) -> float:
    return float(sum(((part - part.mean()) ** 2).sum() for part in np.split(values, starts) if len(part)))


def best_by_trying(values: np.ndarray, classes: int) -> float:
    """Try every way to cut ascending values into classes."""
    return min(spread(values, list(cut)) for cut in combinations(range(1, len(values)), classes - 1))


@pytest.mark.parametrize("classes", [2, 3, 4, 5])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_jenks_is_the_best_of_all_partitions(classes: int, seed: int) -> None:
    values = np.sort(np.random.default_rng(seed).lognormal(3, 1, 14).round(1))
    made = classify(values, "jenks", classes)
    cut = np.searchsorted(values, made.edges[1:-1], side="left").tolist()
    assert spread(values, cut) == pytest.approx(best_by_trying(values, classes))
    assert made.is_exact and sum(made.counts) == 14


def test_jenks_of_known_numbers() -> None:
    made = classify(SKEWED, "jenks", 4)
    assert made.edges == (1, 20, 50, 90, 90)
    assert made.counts == (9, 3, 2, 1)


def test_jenks_weighs_repetitions() -> None:
    values, weights = np.array([1.0, 2.0, 10.0]), np.array([1.0, 100.0, 1.0])
    assert jenks_starts(values, weights, 2).tolist() == [0, 2]
    assert jenks_starts(np.array([1.0, 2.0, 3.1]), np.array([1.0, 1.0, 100.0]), 2).tolist() == [0, 2]
    assert jenks_starts(np.array([1.0, 2.0]), np.array([1.0, 1.0]), 5).tolist() == [0, 1]


def test_many_different_values_are_gathered_and_it_is_said() -> None:
    values = np.concatenate([np.linspace(0, 1, 900), np.linspace(10, 11, 900), np.linspace(30, 31, 900)])
    made = classify(values, "jenks", 3)
    assert not made.is_exact and len(np.unique(values)) > MOST_UNIQUE
    assert made.counts == (900, 900, 900)


def test_quantiles_are_numpy_s() -> None:
    values = np.arange(1.0, 11.0)
    made = classify(values, "quantile", 4)
    assert made.edges == (1, 3.25, 5.5, 7.75, 10)
    assert made.counts == (3, 2, 2, 3)


def test_equal_steps_hold_their_lower_edge() -> None:
    made = classify(np.array([0.0, 1, 2, 3, 4]), "equal", 4)
    assert (made.edges, made.counts) == ((0, 1, 2, 3, 4), (1, 1, 1, 2))


def test_deviations_are_around_the_mean() -> None:
    values = np.array([2.0, 4, 4, 4, 5, 5, 7, 9])          # mean 5, deviation 2
    made = classify(values, "deviation", 4)
    assert (made.mean, made.deviation, made.edges) == (5, 2, (2, 3, 5, 7, 9))
    assert made.counts == (1, 3, 2, 2)


def test_breaks_by_hand_and_no_data() -> None:
    made = classify(np.array([1.0, 5, np.nan, 12, np.inf, 30]), "manual", 5, (5, 10, 100))
    assert (made.edges, made.counts, made.no_data) == ((1, 5, 10, 30), (1, 1, 2), 2)


def test_without_values_classes_are_those_of_pandas_and_of_the_definition() -> None:
    values = np.concatenate([np.random.default_rng(7).lognormal(3, 1, 400).round(2), [np.nan] * 25])
    known = pd.Series(values).dropna()
    made = classify(values, "quantile", 5)
    assert made.edges == pytest.approx(known.quantile([0, 0.2, 0.4, 0.6, 0.8, 1]).tolist()) and made.no_data == 25
    assert list(made.counts) == pd.cut(known, [*made.edges[:-1], np.inf], right=False).value_counts(sort=False).tolist()
    mean, deviation = statistics.fmean(known), statistics.pstdev(known)
    around = classify(values, "deviation", 5)
    # half a deviation to each side of the mean, then whole ones; no class lies below the least value
    inner = [mean + deviation * k for k in (-1.5, -0.5, 0.5, 1.5) if mean + deviation * k > known.min()]
    assert around.edges == pytest.approx([known.min(), *inner, known.max()]) and sum(around.counts) == 400


@pytest.mark.parametrize("method", ["quantile", "jenks", "equal", "deviation"])
def test_nothing_and_one_value(method: str) -> None:
    assert classify(np.array([np.nan]), method, 5).edges == ()  # type: ignore[arg-type]
    one = classify(np.array([7.0, np.nan, 7.0]), method, 5)  # type: ignore[arg-type]
    assert (one.edges, one.counts, one.no_data) == ((7, 7), (2,), 1)
