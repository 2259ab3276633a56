"""A process: what it takes, what it gives, how far it may go. From its description follow validation, form and documentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from shapely.geometry.base import BaseGeometry

from spatial_models.faults import InputFault, InvalidInputs, explain
from spatial_models.frames import Frame
from spatial_models.surroundings import Ground
from spatial_models.words import Words

__all__ = ["Features", "FieldView", "File", "Inputs", "LayerView", "Output", "Process", "Question", "ResultField", "Shell", "Task", "Value", "given"]

# A value may come wrapped, with remarks about its form beside it (OGC API - Processes, "qualified value").
_REMARKS = {"value", "mediaType", "encoding", "schema"}


class Inputs(BaseModel):
    """The inputs of a process. Types are strict: a number in quotes is a text."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def given(title: Words, description: Words, default: Any = ..., choices: Mapping[str, Words] | None = None, **limits: Any) -> Any:
    """Describe one input in both languages; `limits` are those of pydantic (ge, le, max_length, …).

    `choices` gives the titles of the values of a Literal.
    """
    return Field(default, json_schema_extra={"words": (title, description), "choices": choices}, **limits)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Output:
    """The one output of a process: its name, and the JSON schema of its value."""

    name: str
    title: Words
    description: Words
    schema: Mapping[str, Any]
    media_type: str = "application/json"


class ResultField(NamedTuple):
    """A field of features that a process gives. `type` is 'integer', 'number' or 'string'; `unit` a UCUM symbol."""

    name: str
    type: str
    title: Words
    unit: str | None = None


@dataclass(frozen=True)
class Value:
    """A result that is a JSON value."""

    value: Any


@dataclass(frozen=True)
class File:
    """A result that is a file: its media type and its bytes."""

    media_type: str
    body: bytes


@dataclass(frozen=True)
class Features:
    """A result that is features: given as GeoJSON, or kept as a layer.

    Parameters
    ----------
    title
        What they are, for the layer list.
    geometry
        Geometry type of all of them.
    frame
        The features in any CRS, with a column for each of `fields`.
    sources
        The layers they were made from; whoever may not read one of these shall not read the result.
    as_layer
        Keep them as a layer?
    """

    title: Words
    geometry: str
    frame: Frame
    fields: tuple[ResultField, ...]
    sources: tuple[str, ...]
    as_layer: bool = False


class FieldView(NamedTuple):
    """A field of a layer as a model sees it; `part_of` is the layer whose features it says the layer's are parts of."""

    name: str
    type: str
    title: Words
    unit: str | None
    codes: Mapping[str, Words] | None
    is_personal: bool
    part_of: str | None = None


@dataclass(frozen=True)
class LayerView:
    """A layer as a model sees it: only fields that the asker may read.

    `geometry` is its type, None for a table; `district` names the field with the district's code, `label` that of the name,
    `height` that of the height by which areas are raised (above the ground, in metres).
    """

    id: str
    title: Words
    geometry: str | None
    district: str | None
    fields: Mapping[str, FieldView]
    label: str | None = None
    height: str | None = None


@dataclass(frozen=True)
class Question:
    """Which features a model wants to read.

    Parameters
    ----------
    layer, fields
        Layer and names of fields.
    at, period
        A moment (None is now), or a pair of moments: then every version that was true at some time between them.
    known_at
        A changeset number, or a moment of recording: the answer is what was known then. None is the present belief.
    filter
        CQL2, as text or as JSON.
    area
        Only features that may touch this geometry (CRS84); a margin of a metre is added, the model decides exactly.
    geometry
        Read geometries? They come in the city's projected CRS.
    """

    layer: str
    fields: tuple[str, ...] = ()
    at: str | None = None
    period: tuple[str | None, str | None] | None = None
    known_at: int | str | None = None
    filter: str | dict[str, Any] | None = None
    area: BaseGeometry | None = None
    geometry: bool = True


class Shell(NamedTuple):
    """The surveyed surfaces of a feature: polygons, each as rings (k, 3) in the projected CRS with elevations over the vertical
    datum, without the closing point, the outer one first and counter-clockwise as seen from outside; and its level of detail."""

    polygons: tuple[tuple[NDArray[np.float64], ...], ...]
    lod: float


class Task(Protocol):
    """What a process may ask for while it runs. It is made for the audience of who asked, and reads nothing else."""

    projected_srid: int

    def layer(self, layer_id: str) -> LayerView:
        """Return a layer. Raises InvalidInputs that names the input 'layer' where the asker has no such layer."""

    def layers(self) -> tuple[LayerView, ...]:
        """Return all layers with features that the asker may read."""

    def ground(self, at: str | None, level_m: float = 0.0) -> Ground:
        """Return the ground as of a moment (None is now); a plane at `level_m` where the asker sees no elevation model."""

    def shells(self, layer_id: str, fids: Sequence[int], at: str | None, known_at: int | str | None, most_corners: int) -> tuple[dict[int, Shell], int]:
        """Return the surfaces of features that the asker may read, those of the highest level of detail, by feature; and how many more
        have some. Features are taken in the given order, until their polygons have `most_corners` corners."""

    def moment(self, at: str | None, known_at: int | str | None = None, name: str = "datetime") -> None:
        """Raise InvalidParameter, of the input `name` or of 'known_at', for what is no moment."""

    def check(self, question: Question) -> None:
        """Raise InvalidInputs if a question cannot be asked."""

    def read(self, question: Question) -> Frame:
        """Read features. Raises InvalidInputs for what cannot be asked, and for more features than the process may take."""

    def progress(self, share: float, message: Words | None = None) -> None:
        """Tell how far the process is (0 to 1), and what it does now."""


@dataclass(frozen=True)
class Process:
    """A process of the city.

    Parameters
    ----------
    id, version, title, description, keywords
        What it is called and does.
    inputs, output
        What it takes and gives.
    run
        The function: from a Task and its inputs to a Value or Features.
    check
        Looks at inputs before a job is taken: layers, fields and filters that are not there. Raises InvalidInputs.
    needs_job
        Says why these inputs are for a job alone; None where somebody may wait for the answer.
    example
        Inputs to try.
    is_open
        May anybody run it, also who is not signed in?
    capability
        What who runs it must be able to do; None where it is enough to be signed in.
    is_private
        Is its result for who asked alone, also before those who operate the city?
    most_features, most_features_at_once
        Features it may read as a job, and while somebody waits for the answer.
    time_limit_s
        How long a job may run, in seconds.
    attempts
        How often a job is begun if its worker dies.
    """

    id: str
    title: Words
    description: Words
    inputs: type[Inputs]
    output: Output
    run: Callable[[Task, Any], Value | Features | File]
    check: Callable[[Task, Any], None] | None = None
    needs_job: Callable[[Any], Words | None] = lambda inputs: None
    example: Mapping[str, Any] | None = None
    version: str = "1.0.0"
    keywords: tuple[str, ...] = ()
    is_open: bool = False
    capability: str | None = "run_jobs"
    is_private: bool = False
    most_features: int = 500_000
    most_features_at_once: int = 50_000
    time_limit_s: float = 600
    attempts: int = 3

    def parse(self, values: Any) -> Inputs:
        """Return checked inputs from JSON values. Raises InvalidInputs with every fault."""
        if not isinstance(values, dict):
            raise InvalidInputs([InputFault("inputs", "must be an object with the inputs by name.", "应为按名称给出各项输入的对象。")])
        plain = {name: _unwrapped(name, value) for name, value in values.items()}
        try:
            text = orjson.dumps(plain)
        except TypeError:
            raise InvalidInputs([InputFault("inputs", "are nested too deeply.", "嵌套过深。")]) from None
        if b"\\u0000" in text:
            raise InvalidInputs([InputFault("inputs", "must not contain the character NUL.", "不得含有空字符（NUL）。")])
        try:
            return self.inputs.model_validate_json(text)
        except ValidationError as error:
            raise InvalidInputs([explain(fault, self.inputs.model_fields) for fault in error.errors(include_url=False)]) from None

    def describe(self, language: str = "en") -> dict[str, Any]:
        """Return the description as OGC API - Processes has it, without links."""
        shown: dict[str, Any] = {
            "id": self.id, "version": self.version, "title": self.title.to(language), "description": self.description.to(language),
            "keywords": list(self.keywords), "jobControlOptions": ["sync-execute", "async-execute", "dismiss"],
            "outputTransmission": ["value"], "inputs": self._describe_inputs(language),
            "outputs": {self.output.name: {
                "title": self.output.title.to(language), "description": self.output.description.to(language),
                "schema": {**self.output.schema, **({} if self.output.media_type == "application/json"
                                                    else {"contentMediaType": self.output.media_type})}}}}
        return shown | ({"example": {"inputs": dict(self.example)}} if self.example else {})

    def _describe_inputs(self, language: str) -> dict[str, Any]:
        document = self.inputs.model_json_schema()
        shown = {}
        for name, about in self.inputs.model_fields.items():
            extra: Any = about.json_schema_extra
            title, description = extra["words"]
            schema = _schema(document["properties"][name], document.get("$defs", {}))
            if choices := extra["choices"]:
                schema["oneOf"] = [{"enum": [value], "title": words.to(language)} for value, words in choices.items()]
            shown[name] = {"title": title.to(language), "description": description.to(language), "schema": schema,
                           "minOccurs": int(about.is_required()), "maxOccurs": 1}
        return shown


def _unwrapped(name: str, value: Any) -> Any:
    if isinstance(value, dict) and "href" in value and value.keys() <= {"href", "type", "rel", "title", "hreflang"}:
        # The service fetches nothing from an address that a client names.
        raise InvalidInputs([InputFault(name, "give the value itself, not a link to it.", "请直接给出值，不接受链接。")])
    return value["value"] if isinstance(value, dict) and "value" in value and value.keys() <= _REMARKS else value


def _schema(schema: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of one input without references, without null, without what is told elsewhere."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]] | {k: v for k, v in schema.items() if k != "$ref"}
    shown = {k: v for k, v in schema.items() if k not in ("title", "words", "choices", "anyOf", "description")
             and not (k == "default" and v is None)}
    if "anyOf" in schema:
        ways = [_schema(way, definitions) for way in schema["anyOf"] if way != {"type": "null"}]
        shown |= ways[0] if len(ways) == 1 else {"oneOf": ways}
    if isinstance(shown.get("items"), dict):
        shown["items"] = _schema(shown["items"], definitions)
    if "const" in shown:
        shown["enum"] = [shown.pop("const")]
    return shown
