"""Running a process: what a model asks for, read through the one door for the audience of who asked; and what it gives, as bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import batched
from typing import Any, Protocol

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers import cql2
from layers.access import Audience
from layers.building_surfaces import parse_surfaces, surface_layer
from layers.catalogue import Catalogue
from layers.crs import transformer
from layers.errors import UnknownLayer
from layers.features import rows
from layers.filters import parse_filter, question
from layers.history import seq_at
from layers.layer import Layer, LayerField
from layers.moments import parse_moment
from layers.query import ItemQuery
from layers.store import Store
from layers.values import WrongValue
from spatial_models.faults import InputFault, InvalidInputs, wrong
from spatial_models.frames import Frame, feature_collection
from spatial_models.process import Features, FieldView, File, LayerView, Question, Shell, Value
from spatial_models.surroundings import Ground, Standard, Terrain
from spatial_models.words import Words

__all__ = ["LARGEST_RESULT_BYTES", "NO_SURROUNDINGS", "Reading", "Result", "Surroundings", "TooManyFeatures", "written"]

CRS84 = 4326
LARGEST_RESULT_BYTES = 64 * 1024 * 1024
_BATCH = 5_000
# Drawn edges are straight in CRS84 and measured where they are not; so much about a metre is added to what is looked through.
_MARGIN_DEG = 1.2e-5
_NUMBERS = ("integer", "number", "reference")
# Owners whose surfaces are looked for in one statement, and surfaces that are read in one.
_OWNERS, _SHELLS = 1_000, 50
# Surfaces may lie so much beyond the elevations that they say they lie between: as 3D tiles have it.
_ROUNDING_M = 0.02


class TooManyFeatures(InvalidInputs):
    """The question has more features than the process may read in this way."""

    def __init__(self, most: int) -> None:
        super().__init__([InputFault("layer", f"more than {most} features are asked for; narrow them by an area, a filter or a time.",
                                     f"涉及的要素超过 {most} 个；请用范围、过滤条件或时间缩小。")])


@dataclass(frozen=True)
class Result:
    """What a process gave: the bytes of a JSON value or of GeoJSON; or the layer that it filled, and its changeset."""

    media_type: str
    body: bytes
    layer: str | None = None
    seq: int | None = None


class Surroundings(Protocol):
    """What a process may know beside features. It travels to the process of a job, and so has to be a plain value."""

    @property
    def standards(self) -> Mapping[str, Standard]:
        """Return the constants that rules fix, by name."""

    def terrain(self, store: Store, catalogue: Catalogue, audience: Audience, at: datetime | None) -> Terrain | None:
        """Return the elevation model as of a moment, None where this audience sees none."""


@dataclass(frozen=True)
class _Nothing:
    """Surroundings of a city without elevation model and standards."""

    @property
    def standards(self) -> Mapping[str, Standard]:
        return {}

    def terrain(self, store: Store, catalogue: Catalogue, audience: Audience, at: datetime | None) -> Terrain | None:
        return None


NO_SURROUNDINGS: Surroundings = _Nothing()


class Reading:
    """A Task: reads the city for one audience, and no more features than the process may take.

    Parameters
    ----------
    surroundings
        Elevation model and standards.
    account_id
        The account of who asked; None is nobody's.
    told
        Is told the share that is done and what is being done.
    """

    def __init__(self, store: Store, catalogue: Catalogue, audience: Audience, most_features: int,
                 told: Callable[[float, Words | None], None] = lambda share, message: None,
                 surroundings: Surroundings = NO_SURROUNDINGS, account_id: int | None = None) -> None:
        self.surroundings, self.account_id = surroundings, account_id
        self.store, self.catalogue, self.audience = store, catalogue, audience
        self.most_features, self.told = most_features, told
        self.projected_srid = catalogue.city.projected_srid

    def layer(self, layer_id: str) -> LayerView:
        """Return a layer as the audience may see it."""
        return self._seen(self._layer(layer_id))

    def layers(self) -> tuple[LayerView, ...]:
        """Return all layers with features that the audience may read."""
        self.catalogue.refresh()
        return tuple(self._seen(layer) for layer in self.catalogue.layers.values() if layer.is_stored and self.audience.may_read(layer.id))

    def ground(self, at: str | None, level_m: float = 0.0) -> Ground:
        """Return the ground that the audience may see."""
        terrain = self.surroundings.terrain(self.store, self.catalogue, self.audience, None if at is None else parse_moment(at).at)
        return Ground(terrain, self.projected_srid, level_m, self.surroundings.standards)

    def _seen(self, layer: Layer) -> LayerView:
        fields = self.audience.fields(layer)
        names = {f.name for f in fields}

        def readable(name: str | None) -> str | None:
            return name if name in names else None

        return LayerView(layer.id, Words(layer.title.en, layer.title.zh), layer.geometry, readable(layer.district), {f.name: _view(f) for f in fields},
                         readable(layer.label), readable(layer.symbology.extrude if layer.symbology else None))

    def shells(self, layer_id: str, fids: Sequence[int], at: str | None, known_at: int | str | None, most_corners: int) -> tuple[dict[int, Shell], int]:
        """Return the surfaces of features by feature, and how many more have some. What cannot be read as surfaces is left out."""
        surface = surface_layer(self._layer(layer_id), (each for each in self.catalogue.layers.values() if self.audience.may_read(each.id)),
                                lambda each: {f.name for f in self.audience.fields(each)})
        if surface is None or surface.parent is None:
            return {}, 0
        owner = surface.parent.name
        best: dict[int, tuple[float, int]] = {}
        for some in batched(fids, _OWNERS):
            found = self.read(Question(surface.id, (owner, "lod"), at=at, known_at=known_at, geometry=False,
                                       filter={"op": "in", "args": [{"property": owner}, list(some)]}))
            for fid, of, lod in zip(found.fids.tolist(), found.columns[owner].tolist(), found.columns["lod"].tolist(), strict=True):
                best[int(of)] = max(best.get(int(of), (-1.0, 0)), (_detail(lod), fid))
        wanted = [(fid, best[fid][1]) for fid in fids if fid in best]
        made: dict[int, Shell] = {}
        taken = corners = 0
        for some in batched(wanted, _SHELLS):
            if corners > most_corners:
                break
            chosen = {"op": "in", "args": [{"property": "id"}, [fid for _, fid in some]]}
            found = self.read(Question(surface.id, (owner, "lod", "surfaces", "lowest_m", "highest_m"), at=at, known_at=known_at, filter=chosen, geometry=False))
            taken += len(some)
            for number in range(len(found)):
                row = {name: values[number] for name, values in found.columns.items()}
                if shell := self._shell(row):
                    made[int(row[owner])] = shell
                    corners += sum(len(ring) for rings in shell.polygons for ring in rings)
        return made, len(wanted) - taken

    def _shell(self, row: dict[str, Any]) -> Shell | None:
        try:
            surfaces = parse_surfaces(row["surfaces"])
        except WrongValue:
            return None
        rings = [ring for each in surfaces for ring in each.rings]
        points = np.concatenate(rings)
        if not (points[:, 2].min() >= row["lowest_m"] - _ROUNDING_M and points[:, 2].max() <= row["highest_m"] + _ROUNDING_M):
            return None
        x, y = transformer(self.catalogue.city.storage_srid, self.projected_srid).transform(points[:, 0], points[:, 1])
        moved = np.column_stack([x, y, points[:, 2]])
        if not np.isfinite(moved).all():
            return None
        parts = iter(np.split(moved, np.cumsum([len(ring) for ring in rings])[:-1]))
        return Shell(tuple(tuple(next(parts) for _ in each.rings) for each in surfaces), _detail(row["lod"]))

    def moment(self, at: str | None, known_at: int | str | None = None, name: str = "datetime") -> None:
        """Raise InvalidParameter for what is no moment."""
        if at is not None:
            parse_moment(at, name)
        self._known(known_at)

    def check(self, asked: Question) -> None:
        """Raise InvalidParameter if a question cannot be asked."""
        question(self._query(asked), self.catalogue.city.storage_srid)

    def progress(self, share: float, message: Words | None = None) -> None:
        """Tell how far the process is."""
        self.told(min(max(share, 0.0), 1.0), message)

    def read(self, asked: Question) -> Frame:
        """Read features as a frame in the projected CRS. Raises TooManyFeatures."""
        query = self._query(asked)
        columns = _Columns(query, asked.geometry)
        count = 0
        for some in batched(rows(self.store, query, "wkb"), _BATCH):
            columns.add(some)
            count += len(some)
            if count > self.most_features:
                raise TooManyFeatures(self.most_features)
            # How many there are is not known before the end; the share only says that something happens.
            self.progress(0.35 * count / (count + _BATCH), Words(f"Reading: {count} features", f"正在读取：{count} 个要素"))
        return columns.frame(self.projected_srid)

    def _layer(self, layer_id: str) -> Layer:
        layer = self.catalogue.layers.get(layer_id)
        if layer is None and self.catalogue.refresh():
            layer = self.catalogue.layers.get(layer_id)
        if layer is None or not layer.is_stored or not self.audience.may_read(layer_id):
            raise wrong("layer", f"there is no layer '{layer_id}'.", f"没有图层“{layer_id}”。") from UnknownLayer(layer_id)
        return layer

    def _query(self, asked: Question) -> ItemQuery:
        layer = self._layer(asked.layer)
        found = asked.filter
        if found is not None:
            found = parse_filter(found if isinstance(found, str) else orjson.dumps(found).decode())  # type: ignore[assignment]
        area = None if asked.area is None else {"op": "s_intersects", "args": [{"property": "geometry"}, _around(asked.area)]}
        interval = None if asked.period is None else tuple(None if t is None else parse_moment(t).at for t in asked.period)
        return ItemQuery(layer, self.audience, at=None if asked.at is None else parse_moment(asked.at).at, interval=interval,  # type: ignore[arg-type]
                         known_at=self._known(asked.known_at),
                         filter=cql2.both(area, found), fields=asked.fields, limit=self.most_features + 1, srid=self.projected_srid,  # type: ignore[arg-type]
                         geometry=asked.geometry and layer.geometry is not None)

    def _known(self, known: int | str | None) -> int | None:
        if not isinstance(known, str):
            return known
        digits = known.isascii() and known.isdecimal() and len(known) < 16
        return int(known) if digits else seq_at(self.store, parse_moment(known, "known_at").at)


def _detail(text: Any) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return -1.0


def _view(field: LayerField) -> FieldView:
    codes = None if field.codes is None else {code: Words(text.en, text.zh) for code, text in field.codes.items()}
    return FieldView(field.name, field.type, Words(field.title.en, field.title.zh), field.unit, codes, field.personal,
                     field.references if field.part_of else None)


def _around(area: BaseGeometry) -> dict[str, Any]:
    wider = shapely.buffer(area, _MARGIN_DEG, quad_segs=1, join_style="mitre", mitre_limit=2)
    found: dict[str, Any] = orjson.loads(shapely.to_geojson(shapely.intersection(wider, shapely.box(-180, -90, 180, 90))))
    return found


class _Columns:
    """Columns that grow by batches of rows."""

    def __init__(self, query: ItemQuery, has_geometry: bool) -> None:
        self.query, self.has_geometry = query, has_geometry and query.layer.geometry is not None
        self.names = [f.name for f in query.chosen]
        self.parts: dict[str, list[NDArray[Any]]] = {name: [] for name in ("id", "geometry", "valid_from", "valid_to", *(f".{n}" for n in self.names))}

    def add(self, some: tuple[dict[str, Any], ...]) -> None:
        """Add rows."""
        self.parts["id"].append(np.array([row["id"] for row in some], dtype=np.int64))
        if self.has_geometry:
            self.parts["geometry"].append(shapely.from_wkb([row["geometry"] for row in some]))
        for name in ("valid_from", "valid_to"):
            self.parts[name].append(np.array([_stamp(row[name]) for row in some], dtype="datetime64[us]"))
        for name in self.names:
            if self.query.layer.field(name).type in _NUMBERS:
                values = np.array([np.nan if row[name] is None else row[name] for row in some], dtype=float)
            else:
                values = np.empty(len(some), dtype=object)
                values[:] = [row[name] for row in some]
            self.parts[f".{name}"].append(values)

    def frame(self, srid: int) -> Frame:
        """Return what was added."""
        def joined(name: str, kind: Any) -> NDArray[Any]:
            return np.concatenate(self.parts[name]) if self.parts[name] else np.array([], dtype=kind)

        fids = joined("id", np.int64)
        shapes = joined("geometry", object) if self.has_geometry else np.full(len(fids), None, dtype=object)
        columns = {n: joined(f".{n}", float if self.query.layer.field(n).type in _NUMBERS else object) for n in self.names}
        return Frame(srid, fids, shapes, columns, joined("valid_from", "datetime64[us]"), joined("valid_to", "datetime64[us]"))


def _stamp(text: str | None) -> str:
    return "NaT" if text is None else text.removesuffix("Z")


def written(outcome: Value | Features | File, media_type: str) -> Result:
    """Write what a model gave as JSON, features as GeoJSON in CRS84.

    Raises InvalidInputs where that becomes larger than LARGEST_RESULT_BYTES.
    """
    if isinstance(outcome, File):
        body, media_type = outcome.body, outcome.media_type
    elif isinstance(outcome, Value):
        body = orjson.dumps(outcome.value, option=orjson.OPT_SERIALIZE_NUMPY)
    else:
        frame = outcome.frame if outcome.frame.srid == CRS84 else outcome.frame.to(CRS84)
        body = feature_collection(replace(frame, srid=CRS84), [f.name for f in outcome.fields])
    if len(body) > LARGEST_RESULT_BYTES:
        limit = LARGEST_RESULT_BYTES // 2**20
        raise wrong("layer", f"the result is larger than {limit} MB; narrow it, or ask for a layer where the process can make one.",
                    f"结果超过 {limit} MB；请缩小范围，或在支持时改为生成图层。")
    return Result(media_type, body)
