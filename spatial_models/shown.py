"""What of the city an analysis in three dimensions is made of: its layers, the day, what was known, and what filters leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import StringConstraints

from layers.errors import InvalidParameter, NotFound
from spatial_models.faults import wrong
from spatial_models.inputs import Filter, Known, known_input, moment_input
from spatial_models.process import Inputs, LayerView, Question, Task, given
from spatial_models.words import Words

__all__ = ["LayerName", "NothingToSee", "Shown", "ShownInputs", "shown", "stands"]

LayerName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
MOST_LAYERS = 10


class NothingToSee(NotFound):
    """The asker may read nothing that an analysis in three dimensions is made of."""

    def __init__(self) -> None:
        super().__init__("There is no elevation model and no layer with heights that you may read.")
        self.chinese = "没有您可查看的高程模型或带高度的图层。"


class ShownInputs(Inputs):
    """What of the city takes part: as on a map, with its layers, filters, day and known time."""

    layers: tuple[LayerName, ...] | None = given(Words("Layers", "图层"), Words(
        "Layers whose features stand in the way, raised by their height; all such layers if not given, none for an empty list",
        "参与遮挡的图层（按其高度拉伸）；不给则为全部此类图层，空列表为无"), None, max_length=MOST_LAYERS)
    filters: dict[LayerName, Filter] | None = given(Words("Filters", "过滤条件"), Words(
        "CQL2 by layer, as text or as JSON: of these layers only such features take part", "按图层给出的 CQL2 过滤条件（文本或 JSON）：这些图层中仅符合条件者参与"), None,
        max_length=MOST_LAYERS)
    datetime: str | None = moment_input()
    known_at: Known | None = known_input()


@dataclass(frozen=True)
class Shown:
    """The layers whose features stand, and further ones (`others`); which features of them take part, and as of when.

    `at` is a moment (None is now), `known_at` a changeset number or a moment of recording (None is the present belief).
    """

    layers: tuple[LayerView, ...]
    others: tuple[LayerView, ...] = ()
    at: str | None = None
    known_at: int | str | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)

    def question(self, layer: LayerView, names: Sequence[str], **more: Any) -> Question:
        """Return the question for the features of a layer that take part."""
        return Question(layer.id, tuple(names), at=self.at, known_at=self.known_at, filter=self.filters.get(layer.id), **more)

    def on(self, at: str | None) -> Shown:
        """Return the same of another day."""
        return Shown(self.layers, self.others, at, self.known_at, self.filters)

    @property
    def told(self) -> dict[str, Any]:
        """Return what it is as results tell it."""
        return {"datetime": self.at, "known_at": self.known_at, "filtered_layers": sorted(self.filters)}


def stands(layer: LayerView) -> bool:
    """Has a layer areas that are raised by a height?"""
    return layer.geometry in ("Polygon", "MultiPolygon") and layer.height is not None


def shown(task: Task, inputs: ShownInputs, others: tuple[LayerView, ...] = ()) -> Shown:
    """Return what takes part: the layers that are named, or all of solids that the asker may read.

    `others` are layers beside solids that an analysis is made of. Raises InvalidInputs for a name that stands for no layer of the asker, for
    one without height, for a filter of another layer, and for what cannot be asked; NothingToSee where nothing is named and there is neither
    ground nor any layer.
    """
    found = Shown(_layers(task, inputs.layers, others), others, inputs.datetime, inputs.known_at, inputs.filters or {})
    names = {layer.id for layer in (*found.layers, *others)}
    for name in found.filters:
        if name not in names:
            raise wrong("filters", f"'{name}' is no layer that takes part; these are: {', '.join(sorted(names)) or 'none'}.",
                        f"“{name}”不是参与计算的图层；参与者：{'、'.join(sorted(names)) or '无'}。")
    task.moment(found.at, found.known_at)
    for layer in (*found.layers, *others):
        if layer.id in found.filters:
            _check(task, found.question(layer, ()))
    return found


def _layers(task: Task, names: tuple[str, ...] | None, others: tuple[LayerView, ...]) -> tuple[LayerView, ...]:
    if names is None:
        found = tuple(layer for layer in task.layers() if stands(layer))
        if not found and not others and task.ground(None).terrain is None:
            raise NothingToSee
        return found
    readable = {layer.id: layer for layer in task.layers()}
    for name in names:
        if name not in readable:
            raise wrong("layers", f"there is no layer '{name}'.", f"没有图层“{name}”。")
        if not stands(readable[name]):
            raise wrong("layers", f"layer '{name}' has no areas with a height.", f"图层“{name}”没有带高度的面。")
    return tuple(readable[name] for name in dict.fromkeys(names))


def _check(task: Task, question: Question) -> None:
    try:
        task.check(question)
    except InvalidParameter as error:
        if error.parameter != "filter":
            raise
        english = str(error).partition(":")[2].strip()
        chinese = error.chinese.partition("：")[2] if error.chinese else english
        raise wrong("filters", f"of '{question.layer}': {english}", f"“{question.layer}”：{chinese}") from None
