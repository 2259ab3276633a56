"""Layers that jobs make: born at run time, filled by one changeset of kind 'job', gone when their job expires."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from math import isnan
from typing import Any

import numpy as np
import orjson
import psycopg
import shapely

from layers.catalogue import Catalogue
from layers.layer import Layer, LayerField, Symbology, Text
from layers.plan import register
from layers.staging import Batch
from layers.store import Store
from layers.values import encode_geometry
from spatial_models.jobs import Job
from spatial_models.process import Features
from spatial_models.running import Result

__all__ = ["Lost", "fill_layer", "layer_id", "result_layer"]

GROUP = "results"
COLOR, OUTLINE = "#3b7dd8", "#2a5fa8"


class Lost(Exception):
    """The job is no longer this worker's: it was dismissed, or another took it over."""


def layer_id(job: Job) -> str:
    """Return the id of a job's layer. It is the same at every attempt."""
    return f"result_{job.job_id.replace('-', '')[:16]}"


def result_layer(job: Job, features: Features, catalogue: Catalogue) -> Layer:
    """Define the layer of a result. It is as confidential as the most confidential layer it was made from."""
    fields = tuple(LayerField(name=f.name, type=f.type, title=Text(en=f.title.en, zh=f.title.zh), unit=f.unit, tile=True)  # type: ignore[arg-type]
                   for f in features.fields)
    made = job.created_at.strftime("%Y-%m-%d %H:%M UTC")
    return Layer(
        id=layer_id(job), kind="spatial", title=Text(en=features.title.en, zh=features.title.zh), group=GROUP, born="runtime",
        description=Text(en=f"Result of '{job.process}', asked by {job.actor} on {made}", zh=f"{job.actor} 于 {made} 提交的“{job.process}”的结果"),
        grade=max(catalogue.layer(source).grade for source in features.sources), geometry=features.geometry, inside_extent=False,  # type: ignore[arg-type]
        fields=fields, symbology=Symbology(color=COLOR, opacity=0.3, outline=OUTLINE, width_px=1.2, order=78))


def fill_layer(store: Store, catalogue: Catalogue, job: Job, worker: str, features: Features) -> Result:
    """Keep a result as a layer: its tables, and one changeset with its features.

    A second attempt finds what the first one did and does the rest. Raises Lost where the job is no longer this worker's.
    """
    layer = result_layer(job, features, catalogue)
    with closing(store.connect()) as connection:
        if not _value(connection, "SELECT gis.note_job_layer(%s, %s, %s, %s)", (job.job_id, worker, job.attempt, layer.id)):
            raise Lost
        connection.execute("SELECT gis.lock_job_layer(%s)", (job.job_id,))
        done = _value(connection, "SELECT gis.filled_by(%s)", (layer.id,))
        if done is None:
            register(store, layer)
            done = {"seq": _fill(store, catalogue, job, layer, features), "count": len(features.frame)}
    return Result("application/json", orjson.dumps({"layer": layer.id, "features": done["count"]}), layer.id, done["seq"])


def _value(connection: psycopg.Connection, statement: Any, values: tuple[Any, ...]) -> Any:
    row = connection.execute(statement, values).fetchone()
    return None if row is None else row[0]


def _fill(store: Store, catalogue: Catalogue, job: Job, layer: Layer, features: Features) -> int | None:
    if not len(features.frame):
        return None
    with Batch(store) as batch:
        first = batch.reserve_fids(len(features.frame))
        names = [f.name for f in features.fields]
        batch.copy(layer, ["geom", *names], _rows(layer, features, names, first, catalogue.city.storage_srid))
        return batch.apply(job.actor, f"{job.process} {job.job_id}", "job", {"process": job.process, "job": job.job_id}).seq


def _rows(layer: Layer, features: Features, names: list[str], first: int, srid: int) -> Iterator[tuple[Any, ...]]:
    frame = features.frame.to(srid)
    # What was valid on the plane may touch itself by a hair after the transformation.
    (broken,) = np.nonzero(~shapely.is_valid(frame.geometry))
    shapes = frame.geometry.copy()
    shapes[broken] = shapely.buffer(shapes[broken], 0)
    span = f"[{datetime.now(UTC).isoformat()},)"
    columns = [frame.columns[name].tolist() for name in names]
    for n, (shape, *values) in enumerate(zip(shapes, *columns, strict=True)):
        plain = (None if isinstance(value, float) and isnan(value) else value for value in values)
        yield (n, "n", first + n, span, "s", "s", None, encode_geometry(layer, shape, None, srid), *plain)
