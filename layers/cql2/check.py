"""The check of a filter against a layer: names, operators, types, sizes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from layers.cql2.geometry import PREDICATES, literal
from layers.cql2.time import RELATIONS, relation
from layers.cql2.tree import COLUMN_TYPES, NUMBERS, ORDERED, Checked, Literal, Node, array_literal
from layers.errors import InvalidFilter, InvalidParameter
from layers.layer import Layer, LayerField
from layers.moments import parse_moment

__all__ = ["check", "property_types", "text_value"]

MAX_DEPTH = 40
MAX_NODES = 2_000
MAX_LIST = 2_000

SELECTION = re.compile(r"^[0-9a-f]{24}$")
_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
_ARITHMETIC = ("+", "-", "*", "/", "^", "%", "div")
_ARRAYS = {"a_contains": "contains", "a_containedby": "contained_by", "a_overlaps": "overlaps", "a_equals": "equals"}


def property_types(layer: Layer, fields: Sequence[LayerField]) -> dict[str, str]:
    """Return what a filter may name, with its type: the given fields and what every feature has."""
    own = {"id": "integer", "version": "integer", "valid_from": "timestamp", "valid_to": "timestamp", "datetime": "span"}
    if layer.geometry is not None:
        own |= {"geometry": "geometry", "geom": "geometry"}
    return own | {f.name: COLUMN_TYPES[f.type] for f in fields}


def check(expression: Any, types: Mapping[str, str], storage_srid: int) -> Checked:
    """Check a CQL2 JSON filter against the properties `types` (see `property_types`).

    Its geometries come out in the storage CRS. Raises InvalidFilter that names the property or the operator and says what
    is allowed.
    """
    checker = _Checker(types, storage_srid)
    tree = checker.condition(expression, 0)
    return Checked(tree, tuple(checker.values))


def text_value(value: Any, kind: str, where: str) -> tuple[str, str]:
    """Return a literal as (text, type) for what it is compared with; raises InvalidFilter if it does not fit."""
    if kind in NUMBERS and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        if kind == "integer" and value == int(value) and abs(value) < 2**63:
            return str(int(value)), "integer"
        return repr(float(value)), "number"
    if kind == "boolean" and isinstance(value, bool):
        return str(value).lower(), "boolean"
    if kind in ("text", "codes") and isinstance(value, str):
        if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
            raise InvalidFilter(f"{where}: a text may not hold the character U+0000 or half a character.")
        return value, "text"
    if kind in ("date", "timestamp"):
        return _time_value(value, kind, where), kind
    wanted = {"integer": "a number", "number": "a number", "boolean": "true or false", "text": "a text in single quotes",
              "codes": "the value of a code, as text"}.get(kind, f"of type {kind}")
    raise InvalidFilter(f"{where} must be compared with {wanted}, not with {_shown(value)}.")


def _time_value(value: Any, kind: str, where: str) -> str:
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("date", "timestamp"):
        value = next(iter(value.values()))
    wanted = "DATE('1985-06-01')" if kind == "date" else "TIMESTAMP('1985-06-01T08:00:00Z')"
    if not isinstance(value, str):
        raise InvalidFilter(f"{where} must be compared with {wanted}, not with {_shown(value)}.")
    try:
        moment = parse_moment(value)
    except InvalidParameter:
        raise InvalidFilter(f"{where} must be compared with {wanted}; '{value[:60]}' is no time.") from None
    if kind == "date" and moment.precision != "d":
        raise InvalidFilter(f"{where} is a day; compare it with {wanted}, not with '{value[:60]}'.")
    return moment.at.date().isoformat() if kind == "date" else moment.at.isoformat()


def _shown(value: Any) -> str:
    return f"'{value[:60]}'" if isinstance(value, str) else str(value)[:60]


class _Checker:
    """One walk over one filter."""

    def __init__(self, types: Mapping[str, str], storage_srid: int) -> None:
        self.types, self.storage_srid = types, storage_srid
        self.values: list[str] = []
        self.nodes = 0

    # What the parts have in common

    def slot(self, text: str) -> int:
        self.values.append(text)
        return len(self.values) - 1

    def enter(self, depth: int) -> int:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise InvalidFilter("the filter is nested too deeply or has too many parts; make it simpler.")
        return depth + 1

    def property(self, name: Any) -> Node:
        if not isinstance(name, str) or name not in self.types:
            known = ", ".join(sorted(n for n in self.types if n != "geom"))
            raise InvalidFilter(f"there is no property {_shown(name)}; the properties are: {known}.")
        return Node("property", self.types[name], ("geometry" if name == "geom" else name,))

    @staticmethod
    def parts(expression: Any) -> tuple[str, list[Any]]:
        op, args = expression.get("op"), expression.get("args")
        if not isinstance(op, str) or not isinstance(args, list):
            raise InvalidFilter(f"an operation has the members 'op' and 'args': {str(expression)[:100]}.")
        return op.lower() if op != "isNull" else op, args

    @staticmethod
    def sized(op: str, args: list[Any], size: int) -> list[Any]:
        if len(args) != size:
            raise InvalidFilter(f"'{op}' takes {size} argument{'s' if size > 1 else ''}, not {len(args)}.")
        return args

    # Conditions: what is true or false

    def condition(self, expression: Any, depth: int) -> Node:
        depth = self.enter(depth)
        if isinstance(expression, bool):
            return Node("constant", "boolean", (expression,))
        if not isinstance(expression, dict):
            raise InvalidFilter(f"{_shown(expression)} is neither true nor false; a comparison is missing.")
        if "property" in expression:
            node = self.property(expression["property"])
            if node.type != "boolean":
                raise InvalidFilter(f"the property '{node.args[0]}' is not true or false; compare it with something.")
            return node
        op, args = self.parts(expression)
        if op in ("and", "or"):
            if not args:
                raise InvalidFilter(f"'{op}' needs arguments.")
            return Node(op, "boolean", tuple(self.condition(a, depth) for a in args))
        if op == "not":
            return Node("not", "boolean", (self.condition(self.sized(op, args, 1)[0], depth),))
        if op in _COMPARISONS:
            return self.comparison(op, self.sized(op, args, 2), depth)
        if op == "isNull" or op == "isnull":
            return self.is_null(self.sized(op, args, 1)[0], depth)
        if op in ("like", "between", "in"):
            return getattr(self, f"is_{op}")(args, depth)
        if op in PREDICATES:
            return self.spatial(op, self.sized(op, args, 2))
        if op in RELATIONS:
            return relation(op, self.sized(op, args, 2), self.property, self.slot)
        if op in _ARRAYS:
            return self.array(op, self.sized(op, args, 2))
        if op == "selected":
            return self.selected(self.sized(op, args, 1)[0])
        raise InvalidFilter(f"the operator '{op[:40]}' is not offered here; these are: and, or, not, "
                            f"{', '.join(_COMPARISONS)}, like, between, in, isNull, casei, accenti, "
                            f"{', '.join(_ARITHMETIC)}, {', '.join(sorted([*PREDICATES, *_ARRAYS]))}, "
                            f"{', '.join(RELATIONS)}.")

    def selected(self, name: Any) -> Node:
        """A selection that is kept in the store; one that is not kept (any more) has no features."""
        if not isinstance(name, str) or not SELECTION.match(name):
            raise InvalidFilter(f"'selected' takes the name of a selection that was kept, not {_shown(name)}.")
        return Node("selected", "boolean", (self.slot(name),))

    def comparison(self, op: str, args: list[Any], depth: int) -> Node:
        first, second = (self.operand(a, depth) for a in args)
        first, second = self.settle(first, second)
        if "codes" in (first.type, second.type):
            return self.has_code(op, first, second)
        kind = first.type
        if kind not in ORDERED and not (kind == "boolean" and op in ("=", "<>")):
            raise InvalidFilter(f"{self.name(first)} cannot be compared with '{op}'.")
        return Node("compare", "boolean", (op, first, second))

    def has_code(self, op: str, first: Node, second: Node) -> Node:
        holder, code = (first, second) if first.type == "codes" else (second, first)
        if op not in ("=", "<>") or code.kind != "value":
            raise InvalidFilter(f"{self.name(holder)} is a list of codes: ask with =, <>, in, a_contains or a_overlaps.")
        self.values[code.args[0]] = orjson.dumps([{"value": self.values[code.args[0]]}]).decode()
        found = Node("codes", "boolean", ("contains", holder, code.args[0]))
        return found if op == "=" else Node("not", "boolean", (found,))

    def is_null(self, argument: Any, depth: int) -> Node:
        if isinstance(argument, dict) and "property" in argument:
            return Node("null", "boolean", (self.property(argument["property"]),))
        node = self.operand(argument, depth)
        if isinstance(node, Literal):
            raise InvalidFilter("isNull asks for a property.")
        return Node("null", "boolean", (node,))

    def is_like(self, args: list[Any], depth: int) -> Node:
        subject, pattern = (self.operand(a, depth) for a in self.sized("like", args, 2))
        if isinstance(subject, Literal) or subject.type != "text":
            raise InvalidFilter("'like' asks a property that is a text.")
        text = args[1]
        while isinstance(text, dict) and text.get("op") in ("casei", "accenti"):
            text = text["args"][0]
        if not isinstance(text, str):
            raise InvalidFilter("the pattern of 'like' is a text, with % for any characters and _ for one.")
        if re.search(r"(?<!\\)(?:\\\\)*\\$", text):
            raise InvalidFilter("the pattern of 'like' may not end with a single backslash.")
        return Node("like", "boolean", (subject, self.typed(pattern, "text", self.name(subject))))

    def is_between(self, args: list[Any], depth: int) -> Node:
        subject, low, high = (self.operand(a, depth) for a in self.sized("between", args, 3))
        if isinstance(subject, Literal):
            subject = self.typed(subject, self.kind_of(subject.value), "the first argument of 'between'")
        if subject.type not in ORDERED:
            raise InvalidFilter(f"{self.name(subject)} has no order; 'between' cannot be asked.")
        return Node("between", "boolean", (subject, *(self.typed(b, subject.type, self.name(subject)) for b in (low, high))))

    def is_in(self, args: list[Any], depth: int) -> Node:
        subject, choices = self.operand(self.sized("in", args, 2)[0], depth), args[1]
        if isinstance(subject, Literal) or not isinstance(choices, list) or not choices:
            raise InvalidFilter("'in' asks whether a property is one of a list of values.")
        if len(choices) > MAX_LIST:
            raise InvalidFilter(f"'in' takes at most {MAX_LIST} values.")
        if subject.type == "codes":
            return self.array("a_overlaps", [args[0], choices])
        if subject.type not in (*ORDERED, "boolean"):
            raise InvalidFilter(f"{self.name(subject)} cannot be asked with 'in'.")
        operands = [self.operand(c, depth) for c in choices]
        if not all(isinstance(o, Literal) for o in operands):
            return Node("in", "boolean", (subject, tuple(self.typed(o, subject.type, self.name(subject)) for o in operands)))
        texts = [text_value(o.value, subject.type, self.name(subject)) for o in operands]
        kind = "number" if subject.type == "integer" and any(t == "number" for _, t in texts) else subject.type
        return Node("any", "boolean", (subject, kind, self.slot(array_literal([t for t, _ in texts]))))

    def array(self, op: str, args: list[Any]) -> Node:
        holder = self.property(args[0]["property"]) if isinstance(args[0], dict) and "property" in args[0] else None
        if holder is None or holder.type != "codes" or not isinstance(args[1], list) or not args[1]:
            names = ", ".join(n for n, t in self.types.items() if t == "codes") or "none"
            raise InvalidFilter(f"'{op}' asks a list of codes (properties: {names}) for a list of values.")
        if len(args[1]) > MAX_LIST:
            raise InvalidFilter(f"'{op}' takes at most {MAX_LIST} values.")
        texts = [text_value(v, "codes", self.name(holder))[0] for v in args[1]]
        objects = [{"value": t} for t in texts]
        form = _ARRAYS[op]
        if form == "overlaps":
            return Node("codes", "boolean", (form, holder, self.slot(array_literal([orjson.dumps([o]).decode() for o in objects]))))
        slots = [self.slot(orjson.dumps(objects).decode())] if form != "contained_by" else []
        if form != "contains":
            slots.append(self.slot(orjson.dumps(texts).decode()))
        return Node("codes", "boolean", (form, holder, *slots))

    def spatial(self, op: str, args: list[Any]) -> Node:
        sides = [isinstance(a, dict) and "property" in a for a in args]
        if sides.count(True) != 1:
            raise InvalidFilter(f"'{op}' takes the property 'geometry' and a geometry.")
        place = sides.index(True)
        node = self.property(args[place]["property"])
        if node.type != "geometry":
            raise InvalidFilter(f"'{op}' asks a geometry; '{node.args[0]}' is none.")
        text = literal(args[1 - place], op, self.storage_srid)
        return Node("spatial", "boolean", (op, self.slot(text), place == 1))

    # Operands: what has a value

    def operand(self, argument: Any, depth: int) -> Node | Literal:
        depth = self.enter(depth)
        if not isinstance(argument, dict) or "date" in argument or "timestamp" in argument:
            if argument is None or isinstance(argument, list):
                raise InvalidFilter(f"{_shown(argument)} cannot be compared; ask with isNull or in.")
            return Literal(argument)
        if "property" in argument:
            node = self.property(argument["property"])
            if node.type in ("geometry", "span", "json"):
                how = {"geometry": "s_intersects and its like", "span": "t_intersects and its like", "json": "isNull"}
                raise InvalidFilter(f"the property '{node.args[0]}' is asked with {how[node.type]}.")
            return node
        if "op" not in argument:
            raise InvalidFilter(f"{str(argument)[:80]} cannot be compared.")
        op, args = self.parts(argument)
        if op in ("casei", "accenti"):
            inner = self.operand(self.sized(op, args, 1)[0], depth)
            return Node("fold", "text", (op, self.typed(inner, "text", f"'{op}'")))
        if op in _ARITHMETIC:
            first, second = (self.typed(self.operand(a, depth), "number", f"'{op}'") for a in self.sized(op, args, 2))
            return Node("arithmetic", "number", (op, first, second))
        raise InvalidFilter(f"the function '{op[:40]}' is not offered here; these are: casei, accenti, {', '.join(_ARITHMETIC)}.")

    def settle(self, first: Node | Literal, second: Node | Literal) -> tuple[Node, Node]:
        """Give a literal the type of the other side, and see that two typed sides can be compared."""
        if isinstance(first, Literal) and isinstance(second, Literal):
            kind = self.kind_of(first.value)
            return self.typed(first, kind, _shown(first.value)), self.typed(second, kind, _shown(first.value))
        if isinstance(first, Literal):
            return self.typed(first, second.type, self.name(second)), second
        return first, self.typed(second, first.type, self.name(first))

    def typed(self, operand: Node | Literal, kind: str, where: str) -> Node:
        if isinstance(operand, Literal):
            text, found = text_value(operand.value, kind, where)
            return Node("value", found, (self.slot(text),))
        if operand.type != kind and not {operand.type, kind} <= set(NUMBERS):
            raise InvalidFilter(f"{where} is of type {kind} and {self.name(operand)} of type {operand.type}; "
                                "they cannot be compared.")
        return operand

    @staticmethod
    def kind_of(value: Any) -> str:
        if isinstance(value, dict):
            return next(iter(value))
        return "boolean" if isinstance(value, bool) else "number" if isinstance(value, int | float) else "text"

    @staticmethod
    def name(node: Node) -> str:
        return f"the property '{node.args[0]}'" if node.kind == "property" else "this expression"
