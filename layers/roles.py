"""Roles: what the people of the bureau may see and do, from `config/roles.yaml`, as grants over the layers that there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial, reduce
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from layers.access import LayerGrant
from layers.definition_file import read_definition
from layers.errors import DefinitionError, InvalidParameter
from layers.layer import Layer, Text
from layers.ownership import person_circle, role_circle

__all__ = ["CAPABILITIES", "Capability", "Role", "Roles", "Rule", "read_roles", "union"]

Scope = Literal["none", "districts", "all"]
Grade = Literal["L1", "L2", "L3", "L4"]
Capability = Literal[
    "see_personal",      # open personal fields, with a reason that the audit keeps
    "export",            # take layers away as files
    "read_changesets",   # see who changed what, and why
    "undo",              # undo a changeset
    "run_jobs",          # start processes
    "publish_styles",    # publish styles of layers for all who may read what they show
    "manage_layers",     # define layers and import into them
    "make_keys",         # make API keys for oneself
    "manage_accounts",   # accounts, their roles and districts, anybody's sessions and keys
    "read_audit",        # read and verify the audit
    "operate",           # metrics, jobs of others, the state of the machine
]
CAPABILITIES: tuple[str, ...] = get_args(Capability)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(_Part):
    """What a role may do with a layer.

    `read` and `edit` reach over no rows, those of the account's districts, or all. `personal` says for which rows the
    personal fields open to who gives a reason. `hide` names fields that do not exist for the role. A layer without a
    district field cannot be cut by district: `without_district` shows it whole or not at all where the rule says `districts`.
    """

    read: Scope = "none"
    edit: Scope = "none"
    personal: Scope = "none"
    hide: tuple[str, ...] = ()
    without_district: Literal["whole", "none"] = "none"

    @model_validator(mode="after")
    def _edits_what_it_reads(self) -> Rule:
        order = get_args(Scope)
        for name in ("edit", "personal"):
            if order.index(getattr(self, name)) > order.index(self.read):
                raise ValueError(f"'{name}: {getattr(self, name)}' reaches further than 'read: {self.read}'")
        return self


class Role(_Part):
    """A role: the narrowest rule decides, that of the layer, else of its group, else the default.

    `max_grade` is a ceiling over all rules: layers of a higher grade do not exist for the role. `machine_only` accounts are
    made and changed on the machine alone (`gis user`), not by the security admin. `account` is the name of the account that
    the first start makes for the role; None makes none.
    """

    title: Text
    description: Text
    max_grade: Grade
    capabilities: tuple[Capability, ...] = ()
    machine_only: bool = False
    account: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_.-]{1,31}$")
    default: Rule = Rule()
    groups: dict[str, Rule] = {}
    layers: dict[str, Rule] = {}

    @model_validator(mode="after")
    def _opens_what_it_may(self) -> Role:
        rules = (self.default, *self.groups.values(), *self.layers.values())
        if any(r.personal != "none" for r in rules) != ("see_personal" in self.capabilities):
            raise ValueError("the capability 'see_personal' goes with rules that open 'personal', and only with them")
        return self

    def rule(self, layer: Layer) -> Rule:
        """Return the rule for a layer; one that reads nothing where the layer's grade is above the role's."""
        if layer.grade > self.max_grade:
            return Rule()
        return self.layers.get(layer.id) or self.groups.get(layer.group) or self.default


class Roles(_Part):
    """All roles. `exclusive` lists sets of roles of which nobody has two; `groups` are groups that only run-time layers have."""

    public: str
    exclusive: tuple[tuple[str, ...], ...] = ()
    groups: tuple[str, ...] = ()
    roles: dict[str, Role]

    @model_validator(mode="after")
    def _names_exist(self) -> Roles:
        named = {self.public, *(name for names in self.exclusive for name in names)}
        if unknown := sorted(named - self.roles.keys()):
            raise ValueError(f"no such role: {', '.join(unknown)}")
        if self.roles[self.public].capabilities:
            raise ValueError("the public role has no capabilities: nobody stands behind it")
        return self

    def check(self, layers: Mapping[str, Layer]) -> None:
        """Compare with the layers that there are. Raises DefinitionError for every layer, group or field that is not there."""
        groups = {layer.group for layer in layers.values()} | set(self.groups) | {"other"}
        faults = []
        for name, role in self.roles.items():
            faults += [f"roles.{name}.groups: no layer is in group '{g}'" for g in role.groups if g not in groups]
            faults += [f"roles.{name}.layers: there is no layer '{i}'" for i in role.layers if i not in layers]
            faults += [f"roles.{name}.layers.{i}.hide: the layer has no field '{f}'" for i, rule in role.layers.items()
                       if i in layers for f in rule.hide if f not in layers[i].by_name]
            for group, rule in role.groups.items():
                known = {f for layer in layers.values() if layer.group == group for f in layer.by_name}
                faults += [f"roles.{name}.groups.{group}.hide: no layer of the group has a field '{f}'"
                           for f in rule.hide if f not in known]
            faults += [f"roles.{name}.default.hide: name fields by group or layer"] if role.default.hide else []
        if faults:
            raise DefinitionError(faults)

    def combination(self, names: Sequence[str]) -> tuple[str, ...]:
        """Check the roles of one account. Raises InvalidParameter for an unknown role or two that exclude each other."""
        for name in names:
            if name not in self.roles or name == self.public:
                known = ", ".join(r for r in self.roles if r != self.public)
                raise InvalidParameter("roles", f"'{name}' is not one of: {known}.", f"没有角色“{name}”。可用角色：{known}。")
        for group in self.exclusive:
            if len(both := [n for n in group if n in names]) > 1:
                raise InvalidParameter("roles", f"nobody has {' and '.join(both)} at once.",
                                       f"{'、'.join(self.roles[n].title.zh for n in both)}不能由同一人兼任。")
        return tuple(dict.fromkeys(names))

    def capabilities(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(c for n in names if n in self.roles for c in self.roles[n].capabilities)

    def grants(self, layers: Mapping[str, Layer], names: Iterable[str], districts: Sequence[str] | None = (),
               personal: bool = False, account: int | None = None) -> dict[str, LayerGrant]:
        """Return what an account with these roles may do, by layer.

        Parameters
        ----------
        districts
            The account's districts; None is all of them.
        personal
            With the personal fields (for an audience that gave its reason), and then only with the rows where they open.
        account
            Whose rows of their own are among them, in layers whose rows have owners; None is nobody's.
        """
        names = list(dict.fromkeys(names))
        given: dict[str, list[tuple[bool, LayerGrant]]] = {}
        for name in names:
            # An account may keep the name of a role that is no more; it gives nothing.
            if name not in self.roles:
                continue
            for layer in layers.values():
                rule = self.roles[name].rule(layer)
                opens = personal and rule.personal != "none" and any(f.personal for f in layer.fields)
                if (grant := _grant(layer, rule, districts, opens)) is not None:
                    given.setdefault(layer.id, []).append((opens, grant))
        # Where one role opens personal fields and another only shows the layer, the opening one alone counts: added up,
        # the fields would be lost, because they do not open in all rows.
        grants = {layer_id: reduce(partial(union, layers[layer_id]), [g for o, g in pairs if o] or [g for _, g in pairs])
                  for layer_id, pairs in given.items()}
        return {i: _owned(g, [n for n in names if n in self.roles], account) if layers[i].owned else g for i, g in grants.items()}


def _owned(grant: LayerGrant, roles: Sequence[str], account: int | None) -> LayerGrant:
    """Cut a grant to the rows that are for all, for one of the roles, or the account's own.

    Only who may edit can own a row: all other readers with the same roles stay one audience.
    """
    seen = {"all", *(role_circle(name) for name in roles)}
    if grant.edit and account is not None:
        seen.add(person_circle(account))
    return LayerGrant(grant.layer, grant.edit, tuple(sorted(seen)), grant.fields)


def _reach(scope: Scope, layer: Layer, districts: Sequence[str] | None, whole: bool) -> tuple[str, ...] | None:
    """Return the districts a scope reaches; None is all rows, () no row."""
    if scope == "all" or (scope == "districts" and (districts is None or (layer.district is None and whole))):
        return None
    if scope == "none" or layer.district is None:
        return ()
    return tuple(sorted(set(districts or ())))


def _grant(layer: Layer, rule: Rule, districts: Sequence[str] | None, opens: bool) -> LayerGrant | None:
    whole = rule.without_district == "whole"
    rows = _reach(rule.personal if opens else rule.read, layer, districts, whole)
    if rows == ():
        return None
    hidden = {f.name for f in layer.fields if f.name in rule.hide or (f.personal and not opens)}
    editable = _reach(rule.edit, layer, districts, whole) if layer.is_stored else ()
    if editable is not None and rows is not None:
        editable = tuple(d for d in editable if d in rows)
    return LayerGrant(layer.id, edit=editable != (), districts=rows,
                      fields=tuple(f.name for f in layer.fields if f.name not in hidden) if hidden else None,
                      edit_districts=editable if editable not in ((), rows) else None)


def union(layer: Layer, one: LayerGrant, other: LayerGrant) -> LayerGrant:
    """Return what a reader with two grants on a layer may do.

    Rows add up. Fields add up only where one grant has all the rows of the other; otherwise the reader would see fields in
    rows where neither grant gives them, so all rows come with the fields that both give.
    """
    rows = _both(one.districts, other.districts)
    names = [f.name for f in layer.fields]
    first, second = (set(names) if g.fields is None else set(g.fields) for g in (one, other))
    fields = first & second
    if one.districts == rows:
        fields |= first
    if other.districts == rows:
        fields |= second
    editable = _both(one.editable, other.editable)
    return LayerGrant(layer.id, edit=editable != (), districts=rows,
                      fields=None if fields >= set(names) else tuple(n for n in names if n in fields),
                      edit_districts=editable if editable not in ((), rows) else None)


def _both(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if one is None or other is None else tuple(sorted({*one, *other}))


def read_roles(path: Path, layers: Mapping[str, Layer] | None = None) -> Roles:
    """Read the roles, and compare them with the layers if these are given.

    Raises DefinitionError with one sentence per fault, each beginning with its place.
    """
    try:
        roles = Roles.model_validate(read_definition(path))
    except ValidationError as error:
        raise DefinitionError([f"{path.name}: {'.'.join(str(p) for p in e['loc']) or 'roles'}: {e['msg']}"
                               for e in error.errors()]) from None
    if layers is not None:
        roles.check(layers)
    return roles
