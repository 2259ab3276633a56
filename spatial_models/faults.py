"""What is wrong with the inputs of a process, said in both languages, every fault with the name of its input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic_core import ErrorDetails

from layers.errors import InvalidParameter

__all__ = ["InputFault", "InvalidInputs", "explain", "wrong"]

# Sentences by pydantic's names of faults, completed from their context.
_SENTENCES: dict[str, tuple[str, str]] = {
    "missing": ("is required.", "为必填项。"),
    "string_type": ("must be a text.", "应为文本。"),
    "string_too_long": ("has at most {max_length} characters.", "最多 {max_length} 个字符。"),
    "string_too_short": ("has at least {min_length} characters.", "至少 {min_length} 个字符。"),
    "string_pattern_mismatch": ("does not have the form {pattern}.", "格式应为 {pattern}。"),
    "float_type": ("must be a number.", "应为数字。"),
    "finite_number": ("must be a finite number.", "应为有限的数。"),
    "int_type": ("must be a whole number.", "应为整数。"),
    "int_from_float": ("must be a whole number.", "应为整数。"),
    "bool_type": ("must be true or false.", "应为 true 或 false。"),
    "list_type": ("must be a list.", "应为列表。"),
    "tuple_type": ("must be a list.", "应为列表。"),
    "dict_type": ("must be an object.", "应为对象。"),
    "too_long": ("has at most {max_length} members.", "最多 {max_length} 项。"),
    "too_short": ("has at least {min_length} members.", "至少 {min_length} 项。"),
    "greater_than": ("must be greater than {gt}.", "应大于 {gt}。"),
    "greater_than_equal": ("must be at least {ge}.", "不得小于 {ge}。"),
    "less_than": ("must be less than {lt}.", "应小于 {lt}。"),
    "less_than_equal": ("must be at most {le}.", "不得大于 {le}。"),
    "literal_error": ("must be one of {expected}.", "应为下列之一：{expected}。"),
}


class InputFault(NamedTuple):
    """One fault of one input; the sentences go on after the input's name."""

    input: str
    en: str
    zh: str


class InvalidInputs(InvalidParameter):
    """Inputs of a process are wrong; carries every fault."""

    def __init__(self, faults: Iterable[InputFault]) -> None:
        self.input_faults = tuple(faults)
        first = self.input_faults[0]
        super().__init__(first.input, first.en)
        more = len(self.input_faults) - 1
        self.chinese = f"参数“{first.input}”：{first.zh}" + (f"（另有 {more} 处错误）" if more else "")
        if more:
            self.args = (f"{self} (and {more} more)",)

    def details(self) -> dict[str, Any]:
        return {"parameter": self.parameter,
                "faults": [{"parameter": f.input, "message": {"en": f.en, "zh": f.zh}} for f in self.input_faults]}

    def __reduce__(self) -> tuple[Any, ...]:
        return InvalidInputs, (self.input_faults,)


def wrong(name: str, english: str, chinese: str) -> InvalidInputs:
    """Return the error of one wrong input."""
    return InvalidInputs([InputFault(name, english, chinese)])


def explain(fault: ErrorDetails, known: Mapping[str, Any]) -> InputFault:
    """Say a fault that pydantic found in both languages."""
    place = ".".join(str(part) for part in fault["loc"] if not _is_branch(part, fault["loc"])) or "inputs"
    context = fault.get("ctx", {})
    if fault["type"] == "extra_forbidden":
        names = ", ".join(known)
        return InputFault(place, f"is not an input of this process; it has: {names}.", f"不是该处理的输入项；可用：{names}。")
    if "zh" in context:
        return InputFault(place, fault["msg"], str(context["zh"]))
    if (sentence := _SENTENCES.get(fault["type"])) is None:
        return InputFault(place, f"{fault['msg']}.", f"{fault['msg']}。")
    return InputFault(place, *(text.format(**context) for text in sentence))


def _is_branch(part: object, place: tuple[object, ...]) -> bool:
    # 'str', 'dict[str,any]': where an input may be of several types, pydantic names the type it tried.
    return part is not place[0] and isinstance(part, str) and (part in ("str", "float", "int") or part.startswith("dict["))
