"""Who may read and edit which layers, fields and districts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from layers.layer import Layer, LayerField

__all__ = ["Audience", "LayerGrant"]


@dataclass(frozen=True)
class LayerGrant:
    """What an audience may do with one layer. `districts` and `fields` of None mean all."""

    layer: str
    edit: bool = False
    districts: tuple[str, ...] | None = None
    fields: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Audience:
    """Readers with the same grants: one PostgreSQL role, one pool of connections, one cache key.

    `role` None is the owner of the store, who sees all (jobs, maintenance, tests).
    """

    role: str | None
    fingerprint: str
    layers: Mapping[str, LayerGrant] | None = None
    capabilities: frozenset[str] = field(default_factory=frozenset)

    def grant(self, layer_id: str) -> LayerGrant | None:
        """Return the grant for a layer; None if the audience may not read it."""
        return LayerGrant(layer_id, edit=True) if self.layers is None else self.layers.get(layer_id)

    def may_read(self, layer_id: str) -> bool:
        return self.grant(layer_id) is not None

    def may_edit(self, layer_id: str) -> bool:
        grant = self.grant(layer_id)
        return grant is not None and grant.edit

    def sees_whole(self, layer_id: str) -> bool:
        """Does the audience see every row of the layer?"""
        grant = self.grant(layer_id)
        return grant is not None and grant.districts is None

    def fields(self, layer: Layer) -> tuple[LayerField, ...]:
        """Return the fields of the layer that the audience may read, in the layer's order."""
        grant = self.grant(layer.id)
        if grant is None:
            return ()
        return layer.fields if grant.fields is None else tuple(f for f in layer.fields if f.name in grant.fields)


OWNER = Audience(role=None, fingerprint="owner")
