"""Roles become grants: the narrowest rule decides, and two roles together give nothing that neither gives."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.settings import ROOT
from layers.access import LayerGrant
from layers.errors import DefinitionError, InvalidParameter
from layers.layer import Layer, parse_layer, read_layers
from layers.roles import CAPABILITIES, Roles, read_roles, union

TEXT = {"zh": "字", "en": "Text"}
FIELD_NAMES = ("name", "height_m", "owner_name", "district_code")
PLOT = {"id": "plot", "title": TEXT, "born": "runtime", "kind": "table", "district": "district_code",
        "fields": [{"name": name, "type": "string", "title": TEXT} for name in FIELD_NAMES]}
# Without a district field.
MAST = {"id": "mast", "title": TEXT, "born": "runtime", "group": "imported", "geometry": "Point",
        "fields": [{"name": "name", "type": "string", "title": TEXT}]}


@pytest.fixture(scope="module")
def layers() -> dict[str, Layer]:
    return read_layers(ROOT / "config" / "layers")


@pytest.fixture(scope="module")
def roles(layers: dict[str, Layer]) -> Roles:
    return read_roles(ROOT / "config" / "roles.yaml", layers)


class TestRoles:
    def test_the_nine_roles(self, roles: Roles):
        assert list(roles.roles) == ["public", "housing_officer", "inspector", "planner", "editor", "bureau", "auditor",
                                     "security_admin", "system_admin"]

    def test_the_public_sees_nothing_personal_and_nothing_controlled(self, roles: Roles, layers: dict[str, Layer]):
        grants = roles.grants(layers, ["public"])
        assert {i for i in grants if layers[i].grade > "L2"} == set()
        assert not any(g.edit for g in grants.values())
        personal = {(i, f.name) for i, g in grants.items() for f in layers[i].fields if f.personal}
        assert personal and not {(i, n) for i, n in personal if grants[i].fields is None or n in grants[i].fields}

    def test_no_role_reads_personal_fields_without_opening_them(self, roles: Roles, layers: dict[str, Layer]):
        for name in roles.roles:
            for grant in roles.grants(layers, [name], None).values():
                assert not any(f.personal and (grant.fields is None or f.name in grant.fields) for f in layers[grant.layer].fields)

    def test_personal_fields_open_in_the_own_districts(self, roles: Roles, layers: dict[str, Layer]):
        plain = roles.grants(layers, ["housing_officer"], ["110101"])["building"]
        opened = roles.grants(layers, ["housing_officer"], ["110101"], personal=True)["building"]
        assert (plain.districts, opened.districts) == (None, ("110101",))
        assert "owner_name" not in plain.fields and opened.fields is None
        assert plain.editable == ("110101",)

    def test_a_role_that_only_shows_does_not_close_what_another_opens(self, roles: Roles, layers: dict[str, Layer]):
        opened = roles.grants(layers, ["planner", "housing_officer"], ["110101"], personal=True)["building"]
        assert opened.districts == ("110101",) and opened.fields is None

    def test_the_three_admins_are_apart(self, roles: Roles, layers: dict[str, Layer]):
        admins = ("system_admin", "security_admin", "auditor")
        for one in admins:
            for other in admins:
                if one != other:
                    assert not roles.capabilities([one]) & roles.capabilities([other])
                    with pytest.raises(InvalidParameter, match="at once"):
                        roles.combination([one, other])
        assert not any(g.edit for name in admins for g in roles.grants(layers, [name], None).values())

    def test_every_capability_has_a_role(self, roles: Roles):
        assert roles.capabilities(roles.roles) == set(CAPABILITIES)

    def test_a_layer_born_at_run_time_follows_its_group_or_the_default(self, roles: Roles, layers: dict[str, Layer]):
        born = {**layers, "noise": parse_layer({**MAST, "id": "noise", "group": "annotations"}),
                "secret": parse_layer({**MAST, "id": "secret", "grade": "L4"})}
        assert "noise" not in roles.grants(born, ["public"])
        assert roles.grants(born, ["planner"])["noise"].edit
        assert not roles.grants(born, ["bureau"])["noise"].edit
        assert "secret" in roles.grants(born, ["bureau"]) and "secret" not in roles.grants(born, ["editor"])

    def test_layers_without_districts_are_shown_whole_only_where_the_rule_says_so(self, layers: dict[str, Layer]):
        def rights(**rule: str) -> dict[str, LayerGrant]:
            return made(default={"read": "districts", **rule}).grants({"mast": parse_layer(MAST)}, ["r"], ["01"])

        assert rights() == {}
        assert rights(without_district="whole") == {"mast": LayerGrant("mast")}

    @pytest.mark.parametrize(("role", "fault"), [
        ({"groups": {"nowhere": {"read": "all"}}}, "no layer is in group 'nowhere'"),
        ({"layers": {"nowhere": {"read": "all"}}}, "there is no layer 'nowhere'"),
        ({"layers": {"building": {"read": "all", "hide": ["nothing"]}}}, "the layer has no field 'nothing'"),
        ({"groups": {"housing": {"read": "all", "hide": ["nothing"]}}}, "no layer of the group has a field 'nothing'"),
        ({"default": {"read": "all", "hide": ["name"]}}, "name fields by group or layer"),
        ({"default": {"read": "districts", "edit": "all"}}, "reaches further"),
        ({"default": {"read": "all", "personal": "all"}}, "see_personal"),
        ({"capabilities": ["fly"]}, "roles.r.capabilities.0"),
        ({"maxgrade": "L1"}, "Extra inputs"),
    ])
    def test_checked_whole(self, tmp_path: Any, layers: dict[str, Layer], role: dict[str, Any], fault: str):
        path = tmp_path / "roles.yaml"
        path.write_text(yaml.safe_dump(document(**role)))
        with pytest.raises(DefinitionError, match=fault):
            read_roles(path, layers)


def document(**role: Any) -> dict[str, Any]:
    return {"public": "public", "roles": {"public": {"title": TEXT, "description": TEXT, "max_grade": "L1"},
                                          "r": {"title": TEXT, "description": TEXT, "max_grade": "L4", **role}}}


def made(**role: Any) -> Roles:
    return Roles.model_validate(document(**role))


DISTRICTS = st.none() | st.lists(st.sampled_from(["01", "02", "03"]), max_size=3, unique=True).map(lambda d: tuple(sorted(d)))
FIELDS = st.none() | st.lists(st.sampled_from(FIELD_NAMES), max_size=4, unique=True).map(tuple)
GRANTS = st.builds(LayerGrant, st.just("plot"), st.booleans(), DISTRICTS, FIELDS, DISTRICTS)


def cells(grant: LayerGrant) -> set[tuple[str, str]]:
    """Every (district, field) that a grant shows; '99' stands for all districts that are not named."""
    return {(d, f) for d in ("01", "02", "03", "99") for f in FIELD_NAMES
            if (grant.districts is None or d in grant.districts) and (grant.fields is None or f in grant.fields)}


def edited(grant: LayerGrant) -> set[str]:
    return {d for d in ("01", "02", "03", "99") if grant.edit and (grant.editable is None or d in grant.editable)}


@given(GRANTS, GRANTS)
def test_two_roles_together_give_nothing_that_neither_gives(one: LayerGrant, other: LayerGrant):
    both = union(parse_layer(PLOT), one, other)
    assert cells(both) <= cells(one) | cells(other)
    assert edited(both) == edited(one) | edited(other)
    rows = {d for d in ("01", "02", "03", "99") if any(g.districts is None or d in g.districts for g in (one, other))}
    assert {d for d in ("01", "02", "03", "99") if both.districts is None or d in both.districts} == rows
