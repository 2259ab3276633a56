"""A layer inferred from a file: what an unknown file becomes when nobody has written a definition for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import pyarrow as pa
import shapely

from layers.errors import InvalidParameter
from layers.ingest_geometry import NAMES, SINGLE
from layers.layer import NAME, SYSTEM_COLUMNS, FieldType, Label, Layer, LayerField, Symbology, Text, parse_layer
from layers.mapping import ImportMapping
from layers.pinyin import spelled
from layers.sources import Source

__all__ = ["field_names", "infer_layer"]

MULTI = {single: multi for multi, single in SINGLE.items()}
LONGEST = 48
COLORS = {"point": "#c2571a", "line": "#2f6f9f", "polygon": "#7a8f5a"}
# A column is taken for a name or a key to search by if it is called so.
NAMED = re.compile(r"name|title|label|名|称", re.IGNORECASE)


def infer_layer(source: Source, layer_id: str, key: str | None, mapping: ImportMapping) -> tuple[Layer, ImportMapping]:
    """Return a layer with the columns of a file, and the mapping into it.

    Parameters
    ----------
    key
        Column of the file, or field of the new layer, that rows are matched by in later imports; None: rows are not matched.
    mapping
        What is asked beside; its `columns` may give columns other names.

    Column names become ASCII field names: Chinese ones their pinyin, others what is left of them; the original stands in the
    title. Polygons and lines become multi-part; kinds of geometry that do not go together make a layer of any geometry.
    Raises InvalidParameter for a layer id or a key that does not work.
    """
    if not NAME.match(layer_id):
        raise InvalidParameter("new-layer", f"'{layer_id}' is not a usable layer id: lower case letters, digits and underscore, beginning with a letter")
    names = field_names(source.fields, mapping.columns)
    if key is not None and key not in names and key not in names.values():
        raise InvalidParameter("key", f"the file has no column '{key}'; it has {', '.join(source.fields)}")
    key_field = names.get(key, key) if key else None
    fields = []
    for column, kind in source.fields.items():
        field_type = _field_type(kind)
        searched = "code" if names[column] == key_field else "name" if field_type == "text" and NAMED.search(column) else None
        fields.append(LayerField(name=names[column], type="string" if searched else field_type, title=Text(zh=column, en=column),
                                 search=searched, index=names[column] == key_field, tile=len(fields) < 12 and field_type != "json"))
    geometry = _geometry(source) if source.geometry else None
    label = next((f.name for f in fields if f.search == "name"), key_field)
    title = Text(zh=source.name, en=source.name)
    definition = {"id": layer_id, "kind": "spatial" if geometry else "table", "title": title.model_dump(), "geometry": geometry, "group": "imported",
                  "fields": [f.model_dump(exclude_defaults=True) for f in fields], "key": key_field, "label": label, "born": "runtime",
                  # The file decides where it lies; the city's extent is for the city's own layers.
                  "inside_extent": False, "symbology": _symbology(geometry, label).model_dump(exclude_defaults=True) if geometry else None}
    layer = parse_layer({name: value for name, value in definition.items() if value is not None}, source.path.name)
    return layer, replace(mapping, layer=layer_id, key=key_field, columns=names)


def field_names(columns: Iterable[str], given: dict[str, str] | None = None) -> dict[str, str]:
    """Return {column: field name}: ASCII, at most 48 characters, each once.

    >>> field_names(["名称", "13_区市町村コード", "NAME", "Name"])
    {'名称': 'ming_cheng', '13_区市町村コード': 'f_13_qu_shi_ting_cun', 'NAME': 'name', 'Name': 'name_2'}
    """
    names: dict[str, str] = dict(given or {})
    taken = {*names.values(), *SYSTEM_COLUMNS}
    for number, column in enumerate(columns, 1):
        if column in names:
            continue
        text = re.sub(r"[^a-z0-9]+", "_", spelled(column).lower()).strip("_")
        text = text if not text[:1].isdigit() else f"f_{text}"
        text = (text or f"field_{number}")[:LONGEST].rstrip("_")
        name, again = text, 2
        while name in taken:
            name = f"{text[:LONGEST - 1 - len(str(again))]}_{again}"
            again += 1
        taken.add(name)
        names[column] = name
    return names


def _field_type(kind: pa.DataType) -> FieldType:
    if pa.types.is_dictionary(kind):
        return _field_type(kind.value_type)
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_date(kind):
        return "date"
    if pa.types.is_timestamp(kind):
        return "datetime"
    return "json" if pa.types.is_nested(kind) else "text"


def _geometry(source: Source) -> str:
    kinds: set[str] = set()
    declared = source.geometry_type.split()[0]
    if declared in (*SINGLE, *MULTI):
        kinds.add(declared)
    else:
        with source.batches() as chunks:
            for chunk in chunks:
                made = shapely.from_wkb(chunk.column(source.geometry).to_numpy(zero_copy_only=False), on_invalid="ignore")
                kinds |= {NAMES[k] for k in set(shapely.get_type_id(made).tolist()) if k in NAMES}
    families = {MULTI.get(kind, kind) for kind in kinds}
    if len(families) != 1 or not families <= set(SINGLE):
        return "Geometry"
    family = families.pop()
    return "Point" if kinds == {"Point"} else family


def _symbology(geometry: str, label: str | None) -> Symbology:
    kind = "point" if "Point" in geometry else "line" if "Line" in geometry else "polygon"
    return Symbology(color=COLORS[kind], opacity=0.5 if kind == "polygon" else 1, outline=COLORS[kind] if kind == "polygon" else None,
                     label=Label(field=label) if label else None, order=60)
