"""The calendar of the demo city: years as numbers become moments with the precision of their time, and changesets.

What happened is entered with the precision it was known with: years before 1990, months before 2003, days since. What is
known up to `FIRST_LOAD` is the first load; then come yearly updates, and what lies after `REFERENCE` is plans.
"""

from __future__ import annotations

import numpy as np

__all__ = ["FIRST_LOAD", "PLANS", "REFERENCE", "REFERENCE_DAY", "STEPS", "days", "moments", "step_of", "years_of"]

REFERENCE_DAY = np.datetime64("2026-11-01")
REFERENCE = 2026.0 + 304 / 365
FIRST_LOAD = 2024
_UPDATES = (2024, 2025, 2026)
PLANS = 1 + len(_UPDATES)
# (title zh, title en) of each changeset, in order.
STEPS = (("1985—2023 年数据建库", "First load, 1985 to 2023"),
         *((f"{y} 年度更新", f"Yearly update {y}") for y in _UPDATES),
         ("规划与在建项目计划(至 2030 年)", "Plans up to 2030"))


_YEAR = np.timedelta64(1, "Y")


def _first_days(years: np.ndarray) -> np.ndarray:
    return (years - 1970).astype("timedelta64[Y]") + np.datetime64("1970", "Y")


def days(years: np.ndarray) -> np.ndarray:
    """Return years as numbers as dates (datetime64[D]); NaN becomes NaT."""
    years = np.asarray(years, dtype=float)
    known = ~np.isnan(years)
    filled = np.where(known, years, 2000.0)
    whole = np.floor(filled).astype(int)
    first = _first_days(whole)
    length = ((first + _YEAR).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(int)
    day = first.astype("datetime64[D]") + np.floor((filled - whole) * length).astype("timedelta64[D]")
    return np.where(known, day, np.datetime64("NaT", "D"))


def moments(years: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (datetime64[s], precision) of years as numbers; NaN becomes NaT with precision 's'.

    A later year never becomes an earlier moment, so what lies within something stays within it.

    Example
    -------
    >>> at, precision = moments(np.array([1986.7, 2001.5, np.nan]))
    >>> at.astype(str).tolist(), precision.tolist()
    (['1986-01-01T00:00:00', '2001-07-01T00:00:00', 'NaT'], ['y', 'm', 's'])
    """
    years = np.asarray(years, dtype=float)
    known = ~np.isnan(years)
    filled = np.where(known, years, 2000.0)
    whole = np.floor(filled).astype(int)
    first = _first_days(whole)
    month = first.astype("datetime64[M]") + np.floor((filled - whole) * 12).astype("timedelta64[M]")
    precision = np.where(filled < 1990, "y", np.where(filled < 2003, "m", "d"))
    at = np.where(precision == "y", first.astype("datetime64[s]"),
                  np.where(precision == "m", month.astype("datetime64[s]"), days(filled).astype("datetime64[s]")))
    return np.where(known, at, np.datetime64("NaT", "s")), np.where(known, precision, "s")


def years_of(at: np.ndarray) -> np.ndarray:
    """Return calendar years (int) of moments; 0 for NaT."""
    at = np.asarray(at, dtype="datetime64[s]")
    return np.where(np.isnat(at), 0, at.astype("datetime64[Y]").astype("int64") + 1970)


def step_of(at: np.ndarray) -> np.ndarray:
    """Return in which changeset something of that moment is entered; 0 for NaT."""
    at = np.asarray(at, dtype="datetime64[s]")
    step = np.clip(years_of(at) - FIRST_LOAD + 1, 0, len(_UPDATES))
    return np.where(np.isnat(at), 0, np.where(at >= REFERENCE_DAY, PLANS, step))
