"""A filter in words: what a sheet or a report says of the features that it leaves out."""

from __future__ import annotations

from typing import Any

from layers.layer import Layer

__all__ = ["filter_words"]

_BETWEEN = {"=": "=", "<>": "≠", "<": "<", "<=": "≤", ">": ">", ">=": "≥", "like": "≈"}
_WORDS = {"zh": {"and": "且", "or": "或", "not": "非（{0}）", "in": "{0} 为 {1}", "between": "{0} 在 {1} 与 {2} 之间", "isNull": "{0} 为空",
                 "place": "位于绘制的范围内", "selected": "属于所选要素", "some": "按条件", "list": "、", "more": "等 {0} 项"},
          "en": {"and": "and", "or": "or", "not": "not ({0})", "in": "{0} is {1}", "between": "{0} between {1} and {2}", "isNull": "{0} is empty",
                 "place": "within a drawn area", "selected": "among selected features", "some": "by a condition", "list": ", ", "more": "{0} in all"}}
LONGEST, MOST_LISTED = 160, 4


def filter_words(layer: Layer, found: Any, language: str, readable: frozenset[str]) -> str:
    """Say a filter (CQL2 JSON) in a language ('zh' or 'en'), with titles for names and codes, at most LONGEST characters.

    Fields that are not `readable` are not named; a filter that names one cannot be asked in the first place.
    """
    text = _said(layer, found, _WORDS[language], language, readable)
    return text if len(text) <= LONGEST else text[:LONGEST - 1] + "…"


def _said(layer: Layer, found: Any, words: dict[str, str], language: str, readable: frozenset[str]) -> str:
    if not isinstance(found, dict):
        return words["some"]
    op, args = str(found.get("op", "")), found.get("args")
    if not isinstance(args, list) or not args:
        return words["some"]

    def inner(each: Any) -> str:
        return _said(layer, each, words, language, readable)

    if op in ("and", "or"):
        parts = [f"({inner(a)})" if isinstance(a, dict) and a.get("op") in ("and", "or") and a["op"] != op else inner(a) for a in args]
        return f" {words[op]} ".join(parts)
    if op == "not":
        return words["not"].format(inner(args[0]))
    if op.startswith("s_") or op == "selected":
        return words["place" if op.startswith("s_") else "selected"]
    name = _property(args[0])
    field = layer.by_name.get(name or "") if name in readable else None
    if field is None:
        return words["some"]
    title = getattr(field.title, language)

    def value(each: Any) -> str:
        while isinstance(each, dict) and len(each) == 1:
            each = next(iter(each.values()))
        code = (field.codes or {}).get(str(each))
        return getattr(code, language) if code else f"{each:g}" if isinstance(each, float) else str(each)

    unit = f" {field.unit}" if field.unit and op in _BETWEEN else ""
    if op in _BETWEEN and len(args) == 2:
        return f"{title} {_BETWEEN[op]} {value(args[1])}{unit}"
    if op == "in" and len(args) == 2 and isinstance(args[1], list):
        listed = words["list"].join(map(value, args[1][:MOST_LISTED]))
        return words["in"].format(title, listed + (f" {words['more'].format(len(args[1]))}" if len(args[1]) > MOST_LISTED else ""))
    if op == "between" and len(args) == 3:
        return words["between"].format(title, value(args[1]), value(args[2]))
    return words["isNull"].format(title) if op == "isNull" else f"{title}: {words['some']}"


def _property(arg: Any) -> str | None:
    """Return the name of the field that an argument is, also inside of a function such as casei."""
    while isinstance(arg, dict) and "property" not in arg and isinstance(arg.get("args"), list) and arg["args"]:
        arg = arg["args"][0]
    name = arg.get("property") if isinstance(arg, dict) else None
    return name if isinstance(name, str) else None
