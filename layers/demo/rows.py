"""Rows of the demo city as the stage takes them: operations, spans, values, geometries in hexadecimal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import orjson
import pandas as pd
import shapely

from layers.layer import Layer

__all__ = ["operations", "staged"]

_CHUNK = 20_000


def operations(table: pd.DataFrame) -> pd.DataFrame:
    """Return what each changeset does with a table of versions: its rows with op and the end that is known by then.

    A version whose end is entered later comes in open; what follows it, or a retirement, closes it then. Columns beside
    the table's own: op ('n', 'p' or 'r'), known_to, known_precision and row (of the table; for values).
    """
    first = table.groupby("fid", sort=False)["changeset"].transform("min").to_numpy()
    is_last = ~table["fid"].duplicated(keep="last").to_numpy()
    entered, ended = table["changeset"].to_numpy(), table["end_changeset"].to_numpy()
    stop, precision = table["valid_to"].to_numpy(dtype="datetime64[s]"), table["end_precision"].to_numpy(dtype=object)
    closed = ended == entered
    out = pd.DataFrame({
        "fid": table["fid"].to_numpy(), "changeset": entered, "op": np.where(entered == first, "n", "p"),
        "from": table["valid_from"].to_numpy(dtype="datetime64[s]"), "from_precision": table["begin_precision"].to_numpy(dtype=object),
        "to": np.where(closed, stop, np.datetime64("NaT", "s")), "to_precision": np.where(closed, precision, "s"), "row": np.arange(len(table))})
    gone = np.flatnonzero(is_last & ~np.isnat(stop) & (ended > first))
    retired = pd.DataFrame({
        "fid": out["fid"].to_numpy()[gone], "changeset": ended[gone], "op": "r", "from": stop[gone], "from_precision": precision[gone],
        "to": np.full(len(gone), np.datetime64("NaT", "s")), "to_precision": "s", "row": gone})
    return pd.concat([out, retired], ignore_index=True)


def _values(values: pd.Series, offset: int | None, kind: str) -> list[Any]:
    """Return a column as Python values, None where there is none; references get the offset of the store's numbers."""
    if kind in ("codes", "json"):
        return [orjson.dumps(v).decode() if isinstance(v, list | dict) else None for v in values]
    empty = values.isna().to_numpy()
    if kind == "date":
        texts = np.datetime_as_string(values.to_numpy(dtype="datetime64[D]")).astype(object)
        texts[empty] = None
        return texts.tolist()
    if kind in ("integer", "reference"):
        numbers = values.where(~values.isna(), 0).to_numpy(dtype="int64") + (offset or 0)
        whole = numbers.astype(object)
        whole[empty] = None
        return whole.tolist()
    plain = values.to_numpy(dtype=object).copy()
    plain[empty] = None
    return plain.tolist()


def _geometries(layer: Layer, shapes: np.ndarray, srid: int) -> list[str]:
    """Return geometries as EWKB in hexadecimal, made multi-part where the layer wants it."""
    if layer.geometry == "MultiPolygon":
        single = np.flatnonzero(shapely.get_type_id(shapes) == 3)
        shapes = shapes.copy()
        shapes[single] = shapely.multipolygons(shapes[single], indices=np.arange(len(single)))
    return shapely.to_wkb(shapely.set_srid(shapes, srid), hex=True, include_srid=True).tolist()


def staged(layer: Layer, table: pd.DataFrame, operation: pd.DataFrame, offset: int, srid: int) -> tuple[list[str], Iterator[Sequence[Any]]]:
    """Return the content columns and the rows of one changeset in one layer, as `Batch.copy` takes them.

    Parameters
    ----------
    operation
        Rows of `operations` (or of corrections with op 'c').
    offset
        What is added to the city's own feature numbers.
    """
    fields = [f for f in layer.fields if f.name in table.columns]
    columns = (["geom"] if layer.geometry else []) + [f.name for f in fields]

    def rows() -> Iterator[Sequence[Any]]:
        for start in range(0, len(operation), _CHUNK):
            part = operation.iloc[start:start + _CHUNK]
            source = table.iloc[part["row"].to_numpy()]
            texts = [np.datetime_as_string(part[name].to_numpy(dtype="datetime64[s]")).tolist() for name in ("from", "to")]
            spans = [f"[{a}Z,)" if b == "NaT" else f"[{a}Z,{b}Z)" for a, b in zip(*texts, strict=True)]
            content = [_geometries(layer, source.geometry.to_numpy(), srid)] if layer.geometry else []      # type: ignore[union-attr]
            content += [_values(source[f.name], offset if f.type == "reference" else None, f.type) for f in fields]
            nothing = [None] * len(columns)
            head = zip(range(start, start + len(part)), part["op"].tolist(), (part["fid"] + offset).tolist(), spans,
                       part["from_precision"].tolist(), part["to_precision"].tolist(), strict=True)
            for (ord_, op, fid, span, begin, end), *values in zip(head, *content, strict=True):
                yield (ord_, op, fid, span, begin, end, None, *(nothing if op == "r" else values))

    return columns, rows()
