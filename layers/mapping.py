"""A mapping: which column of a file becomes which field of a layer, with fixed values and translations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar

import yaml

from layers.errors import DefinitionError
from layers.layer import Layer, LayerField

__all__ = ["Assignment", "ImportMapping", "read_mapping"]

KEYS = {"layer", "source_layer", "key", "map", "set", "values", "valid_from", "valid_from_field", "crs", "encoding", "description"}


class _Texts(yaml.SafeLoader):
    """Reads every value as text: a field 'no' and a code '0101' are what they look like."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


@dataclass(frozen=True)
class Assignment:
    """One field of the layer and the column it comes from.

    `scheme` is for fields of type codes ('column=codes:scheme'); `by` is for references ('column=building_fid.source_id'): the
    column holds values of that field of the layer that is referred to, not its feature numbers.
    """

    field: LayerField
    column: str
    scheme: str | None = None
    by: str | None = None


@dataclass(frozen=True)
class ImportMapping:
    """What an import is told about a file; each part may be empty.

    Attributes
    ----------
    columns
        {column of the file: field of the layer, or several with commas}; columns with the name or a title of a field need
        not be named.
    fixed
        {field: text} for all rows.
    values
        {field: {value of the file: value of the field}}.
    """

    layer: str | None = None
    source_layer: str | None = None
    key: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    valid_from: str | None = None
    valid_from_field: str | None = None
    crs: str | None = None
    encoding: str | None = None

    def assign(self, layer: Layer, columns: Iterable[str]) -> list[Assignment]:
        """Return what comes from where, in the layer's order.

        Raises DefinitionError with one sentence per fault: a column or field that is not there, a field given twice.
        """
        present = list(columns)
        faults: list[str] = []
        found: dict[str, Assignment] = {}
        wanted = dict(self.columns)
        mapped = {_target(t.strip())[0] for targets in wanted.values() for t in targets.split(",")}
        called = {title: f.name for f in layer.fields for title in (f.title.en, f.title.zh)} | {name: name for name in layer.by_name}
        for name in present:
            target = called.get(name)
            if target and name not in wanted and target not in mapped and target not in self.fixed:
                wanted[name] = target
        for column, target in [(c, t.strip()) for c, targets in wanted.items() for t in targets.split(",")]:
            name, scheme, by = _target(target)
            if column not in present:
                swapped = " (the column of the file stands first: --map column=field)" if target in present and column in layer.by_name else ""
                faults.append(f"map: the file has no column '{column}'{_near(column, present)}{swapped}")
            elif name not in layer.by_name:
                faults.append(f"map: layer '{layer.id}' has no field '{name}'{_near(name, layer.by_name)}")
            elif name in found or name in self.fixed:
                faults.append(f"map: field '{name}' is given twice")
            else:
                assigned = layer.field(name)
                faults += [f"map: '{target}': a scheme is for fields of type codes" for _ in [0] if scheme and assigned.type != "codes"]
                faults += [f"map: '{target}': a field behind a point is for references" for _ in [0] if by and not assigned.references]
                found[name] = Assignment(assigned, column, scheme, by)
        faults += [f"set: layer '{layer.id}' has no field '{name}'{_near(name, layer.by_name)}" for name in self.fixed
                   if name not in layer.by_name]
        faults += [f"values: field '{name}' is not mapped" for name in self.values if name not in found]
        if faults:
            raise DefinitionError(faults)
        return [found[f.name] for f in layer.fields if f.name in found]


def _target(target: str) -> tuple[str, str | None, str | None]:
    name, colon, scheme = target.partition(":")
    name, point, by = name.partition(".")
    return name, scheme if colon else None, by if point else None


def _near(name: str, known: Iterable[str]) -> str:
    known = list(known)
    near = get_close_matches(name, known, 3, 0.5)
    return f"; did you mean {', '.join(near)}?" if near else f"; there are {', '.join(known[:30])}"


def read_mapping(path: Path) -> ImportMapping:
    """Read a mapping from a YAML file with the keys layer, source_layer, key, map, set, values, valid_from, valid_from_field,
    crs and encoding.

    Raises DefinitionError with one sentence per fault.
    """
    try:
        data: Any = _Texts(path.read_text("utf-8")).get_single_data()
    except FileNotFoundError:
        raise DefinitionError([f"{path}: there is no such file"]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise DefinitionError([f"{path.name}: {error}"]) from None
    if not isinstance(data, dict):
        raise DefinitionError([f"{path.name}: a mapping has keys such as layer, key and map"])
    faults = [f"{path.name}: '{key}' is not known; known are {', '.join(sorted(KEYS))}" for key in data if key not in KEYS]
    tables = {key: data.get(key) or {} for key in ("map", "set", "values")}
    faults += [f"{path.name}: '{key}' must be a table" for key, table in tables.items() if not isinstance(table, dict)]
    if not faults:
        faults += [f"{path.name}: values.{name} must be a table" for name, table in tables["values"].items() if not isinstance(table, dict)]
    if faults:
        raise DefinitionError(faults)
    texts = {key: str(data[key]) for key in ("layer", "source_layer", "key", "valid_from", "valid_from_field", "crs", "encoding")
             if data.get(key) is not None}
    return ImportMapping(
        columns={str(a): str(b) for a, b in tables["map"].items()}, fixed={str(a): str(b) for a, b in tables["set"].items()},
        values={str(name): {str(a): str(b) for a, b in table.items()} for name, table in tables["values"].items()}, **texts)
