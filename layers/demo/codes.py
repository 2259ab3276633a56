"""Official codes of the demo city, with the check characters their schemes ask for."""

from __future__ import annotations

import numpy as np

__all__ = ["credit_code", "house_codes", "mod_11_2", "parcel_codes", "unit_codes"]

_CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def mod_11_2(bodies: list[str]) -> list[str]:
    """Return the ISO 7064 MOD 11-2 check character of each body; all bodies have the same length and only digits.

    >>> mod_11_2(["0794"])
    ['0']
    """
    if not bodies:
        return []
    digits = np.array(bodies, dtype=f"S{len(bodies[0])}").view("u1").reshape(len(bodies), -1).astype(int) - 48
    weights = np.array([pow(2, k, 11) for k in range(digits.shape[1], 0, -1)])
    rest = (12 - (digits * weights).sum(axis=1) % 11) % 11
    return ["0123456789X"[r] for r in rest]


def house_codes(streets: list[str], years: np.ndarray, serials: np.ndarray, rooms: np.ndarray | None = None) -> list[str]:
    """Return house codes: 9 division, 4 year of completion, 4 building, 5 room (00000: the building), 1 check."""
    rooms = np.zeros(len(serials), int) if rooms is None else rooms
    bodies = [f"{s}{y:04d}{n:04d}{r:05d}" for s, y, n, r in zip(streets, years, serials, rooms, strict=True)]
    return [body + check for body, check in zip(bodies, mod_11_2(bodies), strict=True)]


def parcel_codes(communities: list[str], purposes: list[str], serials: np.ndarray) -> list[str]:
    """Return cadastral codes of 19: 6 county, 3 zone (the street), 3 sub-zone (the community), 2 feature, 5 serial."""
    feature = {"0703": "JC", "0103": "JD", "0101": "JD", "0301": "JE"}
    return [f"{c[:6]}{c[6:9]}{c[9:12]}{feature.get(p, 'GB')}{n:05d}" for c, p, n in zip(communities, purposes, serials, strict=True)]


def unit_codes(parcels: list[str], buildings: np.ndarray, rooms: np.ndarray) -> list[str]:
    """Return real estate unit codes of 28: the parcel, F for a building, 4 building, 4 room."""
    return [f"{p}F{b:04d}{r:04d}" for p, b, r in zip(parcels, buildings, rooms, strict=True)]


def credit_code(body: str) -> str:
    """Return a unified social credit code: 17 characters and the check character of GB 32100-2015 (modulus 31)."""
    weight = sum(_CREDIT.index(c) * pow(3, k, 31) for k, c in enumerate(body))
    return body + _CREDIT[(31 - weight % 31) % 31]
