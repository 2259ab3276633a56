"""Tables of versions: what the demo city gives to the store, one row per version of a feature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely

from layers.demo.calendar import moments, step_of
from layers.demo.frame import Frame

__all__ = ["BEFORE", "Fids", "versions"]

# When things began whose beginning nobody recorded.
BEFORE = 1950.0


class Fids:
    """Feature numbers 1, 2, 3 … over the whole city, in the order they are asked for."""

    def __init__(self) -> None:
        self.last = 0

    def take(self, count: int) -> np.ndarray:
        """Return the next `count` numbers."""
        self.last += count
        return np.arange(self.last - count + 1, self.last + 1)


def versions(frame: Frame, fid: np.ndarray, begin: np.ndarray, end: np.ndarray, fields: Mapping[str, Any],
             geometry: np.ndarray | None = None) -> pd.DataFrame:
    """Make a table of versions.

    Parameters
    ----------
    fid, begin, end
        Feature of each row, and its time in years as numbers; NaN begins in `BEFORE`, or never ends.
    fields
        Columns by field name; a single value stands for all rows.
    geometry
        Local metres; brought into the storage CRS here.

    Returns
    -------
    DataFrame (GeoDataFrame with geometry) sorted by fid and time, with valid_from, valid_to (NaT: open), begin_precision,
    end_precision, changeset and end_changeset (in which the beginning and the end are entered). Versions that would last
    no time at their precision are left out.
    """
    begin = np.where(np.isnan(begin), BEFORE, begin)
    start, begin_precision = moments(begin)
    stop, end_precision = moments(end)
    out: dict[str, Any] = {"fid": fid, "valid_from": start, "valid_to": stop, "begin_precision": begin_precision,
                           "end_precision": end_precision, "changeset": step_of(start),
                           "end_changeset": np.where(np.isnat(stop), step_of(start), np.maximum(step_of(stop), step_of(start)))}
    out |= fields
    lasting = np.isnat(stop) | (start < stop)
    frame_of = pd.DataFrame(out, index=np.arange(len(fid)))[lasting]
    if geometry is not None:
        stored = frame.stored(np.asarray(geometry, dtype=object)[lasting])
        # A corner of next to nothing may turn over when its coordinates are rounded.
        turned = ~shapely.is_valid(stored)
        stored[turned] = shapely.buffer(stored[turned], 0)
        frame_of = geopandas.GeoDataFrame(frame_of, geometry=stored, crs=frame.city.storage_srid)
    return frame_of.sort_values(["fid", "valid_from"], kind="stable").reset_index(drop=True)
