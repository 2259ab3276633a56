"""Whose a row is and who sees it, in layers whose rows have owners (`Layer.owned`).

Who sees a row stands in the row, as a circle of people: `all`, `role:<role>` or `person:<account>`. A reader's grant lists the circles
that he is in where other layers' grants list districts, so row policies, tiles, search and history hold as they do for districts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import sql

from layers.access import Audience
from layers.errors import UnknownFeature
from layers.layer import Layer
from layers.store import Store

__all__ = ["ALL", "ME", "NotTheOwner", "owner_of", "person_circle", "recorded", "require_visible", "role_circle", "visible_counts"]

ALL = "all"
# What a writer says for his own circle; the store writes which one that is.
ME = "me"


class NotTheOwner(Exception):
    """A field of ownership has a value that the writer may not give. `field` names it; the text is a sentence."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def person_circle(account: int) -> str:
    """Return the circle of one account."""
    return f"person:{account}"


def role_circle(role: str) -> str:
    """Return the circle of all who have a role."""
    return f"role:{role}"


def owner_of(audience: Audience, layer: Layer) -> str | None:
    """Return the circle of the one person an audience is; None for an audience of many, and for the owner of the store."""
    grant = audience.grant(layer.id)
    return next((c for c in (grant.districts or ()) if c.startswith("person:")), None) if grant is not None else None


def recorded(store: Store, layer: Layer, audience: Audience, given: Mapping[str, Any], base: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what stands in the fields of ownership after an edit.

    Parameters
    ----------
    given
        The values the writer sent.
    base
        The columns of the version that is edited; None for a new feature, which belongs to the writer and, unless it says otherwise, is
        seen by nobody else.

    Raises NotTheOwner where the writer names another owner, widens or narrows what is not his, or names a circle he is not in.
    """
    owned, me = layer.owned, owner_of(audience, layer)
    if owned is None:
        return {}
    if base is None:
        kept = {owned.by: me, owned.name: None if me is None else _name(store, me), owned.seen_by: me or ALL}
    else:
        kept = {owned.by: base.get(owned.by), owned.name: base.get(owned.name), owned.seen_by: base.get(owned.seen_by) or ALL}
    if audience.role is None:
        # Maintenance and imports on the machine write as they are told.
        return kept | {name: given[name] for name in kept if given.get(name) is not None}
    # What is copied into a new feature (a split's parts) is the new owner's; of one that is there it is not changed.
    for name in () if base is None else (owned.by, owned.name):
        if given.get(name) not in (None, kept[name]):
            raise NotTheOwner(name, f"'{name}' is recorded by the server and cannot be given")
    wanted = given.get(owned.seen_by)
    if wanted == ME:
        wanted = me
    if wanted is None or wanted == kept[owned.seen_by]:
        return kept
    if base is not None and (me is None or kept[owned.by] != me):
        raise NotTheOwner(owned.seen_by, f"'{owned.seen_by}' is changed by who made the feature alone")
    grant = audience.grant(layer.id)
    circles = () if grant is None else grant.districts or ()
    if wanted not in circles:
        known = ", ".join(sorted(ME if c == me else c for c in circles))
        raise NotTheOwner(owned.seen_by, f"'{owned.seen_by}' must be one of: {known}")
    return kept | {owned.seen_by: wanted}


def _name(store: Store, circle: str) -> str | None:
    with store.read() as connection:
        row = connection.execute("SELECT display_name FROM gis.account WHERE account_id = %s", (int(circle.removeprefix("person:")),)).fetchone()
    return row[0] if row else None


def require_visible(store: Store, layer: Layer, audience: Audience, fid: int) -> None:
    """Raise UnknownFeature where the audience sees no version of a feature: to him it is not there."""
    with store.read(audience.role) as connection:
        if connection.execute(sql.SQL("SELECT 1 FROM {} WHERE fid = %s LIMIT 1").format(sql.Identifier("city", layer.id)), (fid,)).fetchone() is None:
            raise UnknownFeature(layer.id, fid)


def visible_counts(store: Store, layer: Layer, audience: Audience, first: int, last: int) -> dict[int, tuple[int, int]]:
    """Return {seq: (rows added, rows closed)} of the changesets `first` to `last` in a layer, of the rows that the audience sees."""
    present, past = sql.Identifier("city", layer.id), sql.Identifier("city", f"{layer.id}_past")
    with store.read(audience.role) as connection:
        return {seq: (added, closed) for seq, added, closed in connection.execute(sql.SQL(
            "SELECT seq, count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM ("
            "SELECT seq_from AS seq, true AS is_new FROM {present} UNION ALL SELECT seq_from, true FROM {past} "
            "UNION ALL SELECT seq_to, false FROM {past}) t WHERE seq BETWEEN %(first)s AND %(last)s GROUP BY seq").format(
                present=present, past=past), {"first": first, "last": last})}
