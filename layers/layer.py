"""A layer: the one definition from which tables, services, tiles, forms and styles follow.

A definition is a YAML file in `config/layers/` (or the same object made at run time). It is checked whole: an unknown
key, a reference to a missing field or a class of an unknown code is an error that names the place.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator, model_validator

from layers.definition_file import read_definition
from layers.errors import DefinitionError

Kind = Literal["spatial", "table", "relation", "coverage"]
GeometryType = Literal["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "Geometry"]
FieldType = Literal["string", "text", "code", "integer", "number", "boolean", "date", "datetime", "codes", "json",
                    "reference"]
OnRetire = Literal["restrict", "cascade", "keep"]
# What CityJSON calls the outside of a building.
SurfaceType = Literal["RoofSurface", "WallSurface", "GroundSurface", "OuterCeilingSurface", "OuterFloorSurface", "ClosureSurface", "Window", "Door"]

NAME = re.compile(r"^[a-z][a-z0-9_]{0,47}$")
# No field can have this name.
_AREA = re.compile(r"area:(\d{4,6})\Z")
# Columns that every layer table has of its own; a field may not take their names.
SYSTEM_COLUMNS = ("version_id", "fid", "valid", "begin_precision", "end_precision", "seq_from", "seq_to",
                  "geom", "geom_tile", "geometry", "id", "valid_from", "valid_to", "batch", "ord", "op", "span",
                  "expected_version", "temp_id", "version", "datetime")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Part):
    """A text in the two languages of the client."""

    zh: str
    en: str


class Class(_Part):
    """One class of a symbology: a value (or the upper bound of a number) and its colour.

    `width_px`, `radius_px` and `min_zoom` stand in for the symbology's own where a class is drawn wider, larger or from a later zoom.
    """

    value: str | float | bool | None = None
    below: float | None = None
    color: str = Field(pattern=r"^#[0-9a-fA-F]{6}$")
    title: Text | None = None
    width_px: float | None = Field(default=None, gt=0)
    radius_px: float | None = Field(default=None, gt=0)
    min_zoom: float | None = None


class Label(_Part):
    """The text at a feature: a field, from which zoom, how large (pixels) and in which colour."""

    field: str
    min_zoom: float = 16
    size: float = 12
    color: str = Field(default="#333333", pattern=r"^#[0-9a-fA-F]{6}$")


class Symbology(_Part):
    """How a layer is drawn; the MapLibre style and the Mapnik style are made from it.

    `width_px` is a line's or an outline's width, `radius_px` a point's. `order` sorts layers from the ground up.
    A layer that is not `visible` waits in the layer list until a reader switches it on. With `cells` the features of a dense
    layer (points or areas) are counted in squares, of which maps are made on levels where single ones cannot be seen.
    Classes are those of `field`, a number of it divided by the number `per` where that is named.
    """

    color: str = Field(default="#888888", pattern=r"^#[0-9a-fA-F]{6}$")
    opacity: float = Field(default=1, ge=0, le=1)
    outline: str | None = Field(default=None, pattern=r"^#[0-9a-fA-F]{6}$")
    width_px: float = 1
    radius_px: float = 4
    dash: tuple[float, ...] | None = None
    field: str | None = None
    per: str | None = None
    classes: tuple[Class, ...] = ()
    extrude: str | None = None
    label: Label | None = None
    min_zoom: float = 0
    order: int = 50
    visible: bool = True
    cells: bool = False


class Counted(_Part):
    """What lies in the features of a layer: how many of another layer, or the sum or the mean of a number of theirs."""

    layer: str
    measure: Literal["count", "sum", "mean"] = "count"
    field: str | None = None


class Variant(_Part):
    """Another way to draw a layer that somebody has published: by fixed classes of a number.

    `name` is the style's on the wire. The number is that of `field`, or what is counted (`of`). It is divided by the number `per` where
    that is named: a field, of what is counted one that is added up or `own:` and a field of the layer's; or `area:` and the SRID of the projected
    CRS in which square kilometres are measured. A class's `width_px` is the width of its lines or the radius of its points. `no_data` is the
    colour of what has no number.
    """

    name: str
    title: Text
    field: str | None = None
    of: Counted | None = None
    per: str | None = None
    classes: tuple[Class, ...]
    no_data: str = Field(default="#b9bfc5", pattern=r"^#[0-9a-fA-F]{6}$")
    # Not of the definition: the layer that is counted, as the catalogue knows it.
    _counted: Layer | None = PrivateAttr(default=None)

    @property
    def counted(self) -> Layer | None:
        """Return the layer that is counted."""
        return self._counted

    def counting(self, layer: Layer | None) -> Variant:
        """Return the same style with the layer that it counts."""
        made = self.model_copy()
        made._counted = layer
        return made


def area_srid(per: str | None) -> int | None:
    """Return the SRID in which the area is measured that a number is divided by; None where it is not divided by one.

    >>> area_srid("area:4548"), area_srid("households")
    (4548, None)
    """
    found = _AREA.match(per or "")
    return int(found[1]) if found else None


class LayerField(_Part):
    """One field of a layer.

    `unit` is a UCUM symbol (m, m2, a, mm). `search` says in which part of the search the field is found. `tile` puts
    it into vector tiles. `personal` fields are opened only with a reason, which the audit keeps.
    """

    name: str
    type: FieldType
    title: Text
    description: Text | None = None
    unit: str | None = None
    codes: dict[str, Text] | None = None
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = Field(default=None, gt=0)
    pattern: str | None = None
    search: Literal["name", "address", "code"] | None = None
    index: bool = False
    tile: bool = False
    personal: bool = False
    references: str | None = None
    on_retire: OnRetire = "restrict"
    part_of: bool = False
    was: str | None = None

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        if not NAME.match(value) or value in SYSTEM_COLUMNS:
            raise ValueError(f"'{value}' is not a usable field name")
        return value

    @model_validator(mode="after")
    def _fits_type(self) -> LayerField:
        if (self.type == "code") != (self.codes is not None):
            raise ValueError(f"field '{self.name}': a code list goes with type 'code', and only with it")
        if (self.type == "reference") != (self.references is not None):
            raise ValueError(f"field '{self.name}': 'references' names a layer and goes with type 'reference'")
        return self


class Rule(_Part):
    """A rule of shapes, checked on write: `no_overlap` within the layer, `within` the feature a field refers to, `surfaces` in space.

    The latter is about the field `surfaces` of a layer whose rows are parts of buildings (`via`): polygons of `types`, their corners within
    `flat_m` of one plane, over the building or at most `reach_m` beside it, between the elevations `lowest_m` and `highest_m`.
    """

    kind: Literal["no_overlap", "within", "surfaces"]
    tolerance_m2: float = Field(default=1.0, ge=0)
    via: str | None = None
    flat_m: float | None = Field(default=None, gt=0)
    reach_m: float | None = Field(default=None, gt=0)
    types: tuple[SurfaceType, ...] = ()


class Ownership(_Part):
    """Rows belong to who made them, and each says who sees it.

    `by` and `name` are the fields in which the store records the owner (never the writer): a person as `person:<account>`, and how
    they are called. `seen_by` is the field of who sees the row: `person:<account>`, `role:<role>` or `all`, which is also what none means.
    """

    by: str
    name: str
    seen_by: str


class Layer(_Part):
    """A layer of the city."""

    id: str
    kind: Kind = "spatial"
    title: Text
    description: Text | None = None
    group: str = "other"
    grade: Literal["L1", "L2", "L3", "L4"] = "L2"
    geometry: GeometryType | None = None
    has_z: bool = False
    inside_extent: bool = True
    fields: tuple[LayerField, ...] = ()
    key: str | None = None
    label: str | None = None
    district: str | None = None
    owned: Ownership | None = None
    rules: tuple[Rule, ...] = ()
    symbology: Symbology | None = None
    coverage: dict[str, Any] | None = None
    born: Literal["config", "runtime"] = "config"
    was: str | None = None
    # Not of the definition: what the catalogue knows beside it.
    _variants: tuple[Variant, ...] = PrivateAttr(default=())
    _drawn_as: Variant | None = PrivateAttr(default=None)

    @field_validator("id")
    @classmethod
    def _id(cls, value: str) -> str:
        if not NAME.match(value):
            raise ValueError(f"'{value}' is not a usable layer id (lower case letters, digits, underscore)")
        if value.endswith(("_past", "_idx", "_pkey", "_one_truth", "_cell", "_cell_new", "_cell_run")):
            # These names belong to the layer's own tables and indexes.
            raise ValueError(f"a layer id may not end like '{value}'")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Layer:
        faults = []
        names = [f.name for f in self.fields]
        if len(set(names)) != len(names):
            faults.append("two fields have the same name")
        if (self.kind == "spatial") != (self.geometry is not None):
            faults.append("a spatial layer has a geometry type, other kinds have none")
        wanted = {"key": self.key, "label": self.label, "district": self.district}
        if self.owned:
            wanted |= {f"owned.{key}": value for key, value in self.owned.model_dump().items()}
            faults += [f"owned.{key} names '{value}', which is no plain string" for key, value in self.owned.model_dump().items()
                       if value in names and self.field(value).type != "string"]
            if self.district or (self.symbology and self.symbology.cells):
                faults.append("rows of a layer with owners are told apart by who sees them, neither by district nor in cells")
        if self.symbology:
            wanted |= {"symbology.field": self.symbology.field, "symbology.per": self.symbology.per, "symbology.extrude": self.symbology.extrude,
                       "symbology.label": self.symbology.label.field if self.symbology.label else None}
        wanted |= {f"rules[{i}].via": r.via for i, r in enumerate(self.rules)}
        faults += [f"{where} names '{name}', which is no field" for where, name in wanted.items()
                   if name is not None and name not in names]
        faults += [f"rule '{r.kind}' needs 'via', a reference field" for r in self.rules
                   if r.kind != "no_overlap" and not r.via]
        faults += ["rule 'surfaces' needs 'types', 'flat_m' and 'reach_m', and a part of buildings with the fields surfaces, lowest_m and highest_m"
                   for r in self.rules if r.kind == "surfaces" and not (
                       r.types and r.flat_m and r.reach_m and {"surfaces", "lowest_m", "highest_m"} <= set(names) and self.kind == "table")]
        if self.kind == "relation" and sum(f.type == "reference" for f in self.fields) != 2:
            faults.append("a relation has exactly two reference fields, its ends")
        if self.symbology and self.symbology.cells:
            if self.geometry not in ("Point", "MultiPoint", "Polygon", "MultiPolygon"):
                faults.append("symbology.cells is for layers of points or areas")
            if self.symbology.min_zoom > 13:
                faults.append("symbology.cells: features follow on zoom 13, so min_zoom cannot be higher")
        if self.symbology and self.symbology.field in names:
            codes = self.field(self.symbology.field).codes
            faults += [f"symbology class '{c.value}' is no code of '{self.symbology.field}'"
                       for c in self.symbology.classes
                       if codes is not None and c.value is not None and c.value not in codes]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @cached_property
    def by_name(self) -> dict[str, LayerField]:
        return {f.name: f for f in self.fields}

    def field(self, name: str) -> LayerField:
        """Return the field of this name; KeyError if there is none."""
        return self.by_name[name]

    @property
    def parent(self) -> LayerField | None:
        """Return the reference to what this layer's features are a part of, if any."""
        return next((f for f in self.fields if f.part_of), None)

    @property
    def is_stored(self) -> bool:
        """Is the layer kept in tables (coverages are files)?"""
        return self.kind != "coverage"

    @property
    def variants(self) -> tuple[Variant, ...]:
        """Return the published styles of the layer."""
        return self._variants

    def with_variants(self, variants: tuple[Variant, ...]) -> Layer:
        """Return the same layer with other published styles."""
        made = self.model_copy()
        made._variants = variants
        return made

    @property
    def drawn_as(self) -> Variant | None:
        """Return the published style that the layer is drawn in, if it is drawn in one."""
        return self._drawn_as

    @property
    def counts_others(self) -> bool:
        """Is it drawn by what lies in its features, so that its look changes with another layer?"""
        return self._drawn_as is not None and self._drawn_as.of is not None

    def drawn_in(self, variant: Variant, symbology: Symbology) -> Layer:
        """Return the same layer as a published style draws it."""
        made = self.model_copy(update={"symbology": symbology})
        made._drawn_as = variant
        return made

    def dump(self) -> dict[str, Any]:
        """Return the definition as plain JSON values, without what is at its default."""
        return self.model_dump(mode="json", exclude_defaults=True)


def parse_layer(data: Any, source: str = "definition") -> Layer:
    """Make a layer from plain values.

    Raises DefinitionError with one sentence per fault, each beginning with its place.
    """
    try:
        return Layer.model_validate(data)
    except ValidationError as error:
        raise DefinitionError([f"{source}: {'.'.join(str(p) for p in e['loc']) or 'layer'}: {e['msg']}"
                               for e in error.errors()]) from None


def read_layers(folder: Path) -> dict[str, Layer]:
    """Read every `*.yaml` of a folder, in name order, as {id: Layer}.

    Raises DefinitionError with the faults of all files together, also for a reference to a layer that is not there.
    """
    layers: dict[str, Layer] = {}
    faults: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            layer = parse_layer(read_definition(path), path.name)
            if layer.id in layers:
                faults.append(f"{path.name}: layer '{layer.id}' is defined twice")
            layers[layer.id] = layer
        except DefinitionError as error:
            faults += error.faults
    for layer in layers.values():
        faults += [f"{layer.id}.{f.name} refers to layer '{f.references}', which is not there"
                   for f in layer.fields if f.references and f.references not in layers]
    if faults:
        raise DefinitionError(faults)
    return layers
