"""Packing: rows of buildings on plots, many plots at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely

from layers.demo.quads import corners_inside, frame_of, polygons

__all__ = ["Footprints", "Slots", "pack"]


@dataclass
class Slots:
    """Places for buildings: plot, middle (n, 2), angle, length, depth, column, row and their counts on the plot."""

    plot: np.ndarray
    middle: np.ndarray
    angle: np.ndarray
    w: np.ndarray
    d: np.ndarray
    col: np.ndarray
    row: np.ndarray
    cols: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.plot)

    def at(self, chosen: np.ndarray) -> Slots:
        """Return the chosen ones."""
        return Slots(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def pack(quads: np.ndarray, w: np.ndarray | float, d: np.ndarray | float, gap_x: np.ndarray | float, gap_y: np.ndarray | float,
         margin: np.ndarray | float = 7.0, stretch: float = 1.0, shift: np.ndarray | float = 0.0) -> Slots:
    """Fill each quad with a grid of places of w x d metres.

    Gaps grow until the grid fills the quad; lengths grow by at most `stretch`. Every second row is moved by `shift` of a
    pitch. What would not lie `margin` inside its quad is left out.
    """
    n = len(quads)
    w, d, gap_x, gap_y, margin, shift = (np.broadcast_to(np.asarray(a, float), n) for a in (w, d, gap_x, gap_y, margin, shift))
    middle, angle, box = frame_of(quads)
    room_x, room_y = box[:, 2] - box[:, 0] - 2 * margin, box[:, 3] - box[:, 1] - 2 * margin
    cols = np.floor((room_x + gap_x) / (w + gap_x)).clip(0).astype(int)
    rows = np.floor((room_y + gap_y) / (d + gap_y)).clip(0).astype(int)
    some = (cols > 0) & (rows > 0)
    wide = np.where(some, np.clip((room_x - (cols - 1) * gap_x) / np.maximum(cols, 1), w, w * stretch), w)
    pitch_x = np.where(cols > 1, np.minimum((room_x - wide) / np.maximum(cols - 1, 1), (wide + gap_x) * 1.3), 0)
    pitch_y = np.where(rows > 1, np.minimum((room_y - d) / np.maximum(rows - 1, 1), (d + gap_y) * 1.25), 0)
    count = np.where(some, cols * rows, 0)
    plot = np.repeat(np.arange(n), count)
    k = np.arange(len(plot)) - np.repeat(np.cumsum(count) - count, count)
    col, row = k % cols[plot].clip(1), k // cols[plot].clip(1)
    cx, cy = (box[:, 0] + box[:, 2]) / 2, (box[:, 1] + box[:, 3]) / 2
    x = cx[plot] + (col - (cols[plot] - 1) / 2 + shift[plot] * ((row % 2) - 0.5)) * pitch_x[plot]
    y = cy[plot] + (row - (rows[plot] - 1) / 2) * pitch_y[plot]
    cos, sin = np.cos(angle[plot]), np.sin(angle[plot])
    at = middle[plot] + np.stack([x * cos - y * sin, x * sin + y * cos], axis=1)
    slots = Slots(plot, at, angle[plot], wide[plot], d[plot], col, row, cols[plot], rows[plot])
    half_x, half_y = slots.w / 2, slots.d / 2
    corners = np.stack([np.stack([sx * half_x * cos - sy * half_y * sin, sx * half_x * sin + sy * half_y * cos], axis=1)
                        for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))], axis=1) + at[:, None]
    return slots.at(corners_inside(corners, quads[plot], margin[plot] - 0.01))


@dataclass
class Footprints:
    """Footprints as they are drawn: development, polygon, floors above, storey height, role and entrances.

    `role` tells the main buildings of a development ("main") from the others ("tower", "podium", "shop", "hall",
    "office", "service", "chimney", "tank").
    """

    development: list[np.ndarray] = field(default_factory=list)
    shape: list[np.ndarray] = field(default_factory=list)
    floors: list[np.ndarray] = field(default_factory=list)
    storey: list[np.ndarray] = field(default_factory=list)
    role: list[np.ndarray] = field(default_factory=list)
    entrances: list[np.ndarray] = field(default_factory=list)
    row: list[np.ndarray] = field(default_factory=list)

    def add(self, development: np.ndarray, rings: np.ndarray, floors: np.ndarray | int, role: str = "main", storey: np.ndarray | float = 3.0,
            entrances: np.ndarray | int = 0, holes: np.ndarray | None = None, row: np.ndarray | int = 0) -> None:
        """Add footprints of one shape (rings with the same number of corners), with at most one hole each."""
        n = len(rings)
        if not n:
            return
        if holes is None:
            made = polygons(rings)
        else:
            closed = np.concatenate([rings, rings[:, :1]], axis=1)
            inner = np.concatenate([holes, holes[:, :1]], axis=1)
            made = shapely.polygons(shapely.linearrings(closed), shapely.linearrings(inner)[:, None])
        self.development.append(np.asarray(development))
        self.shape.append(made)
        self.floors.append(np.broadcast_to(np.asarray(floors, int), n))
        self.storey.append(np.broadcast_to(np.asarray(storey, float), n))
        self.role.append(np.full(n, role, dtype=object))
        self.entrances.append(np.broadcast_to(np.asarray(entrances, int), n))
        self.row.append(np.broadcast_to(np.asarray(row, int), n))

    def joined(self) -> dict[str, np.ndarray]:
        """Return all of it as one array per attribute."""
        return {name: np.concatenate(getattr(self, name)) for name in self.__dataclass_fields__}
