"""The history of one feature on the map, and the lineage of parcels as a graph."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, LineageClaim, apply_changeset
from layers.store import Store
from tests.e2e.conftest import VIEW, Desk
from tests.e2e.neighbourhood import SOUTH, STEP, WEST, Neighbourhood

pytestmark = pytest.mark.browser
NewDesk = Callable[..., Desk]


def area(x: float, y: float, width: float, height: float) -> dict[str, object]:
    return {"type": "MultiPolygon", "coordinates": [[[[x, y], [x + width, y], [x + width, y + height], [x, y + height], [x, y]]]]}


@pytest.fixture(scope="module")
def divided(store: Store, catalogue: Catalogue, neighbourhood: Neighbourhood) -> dict[str, int]:
    """A building that was made longer in 2010; a parcel that was divided into two in 2012, one of which was divided again."""
    fids = neighbourhood.fids
    apply_changeset(store, catalogue, OWNER, Changeset([Edit(
        "building", "put", fid=fids["building2.0"], properties={"floors_above": 9}, partial=True, valid_from="2010-01-01",
        geometry=area(WEST + 2 * STEP + 5e-4, SOUTH + 5e-4, 1.5e-3, 3e-4))], "survey", "加建"))

    def divide(parent: int, year: int, x: float, width: float) -> list[int]:
        halves = [Edit("parcel", "create", temp_id=f"half{n}", valid_from=str(year), geometry=area(x + n * width, SOUTH + 3 * STEP + 3e-4, width, STEP - 6e-4),
                       properties={"source_id": f"H{year}{n}", "parcel_code": f"110105017001GB{year}{n}", "district_code": "110105"}) for n in (0, 1)]
        made = apply_changeset(store, catalogue, OWNER, Changeset(
            [Edit("parcel", "retire", fid=parent, valid_from=str(year)), *halves], "survey", "分割", lineage=[
                LineageClaim("split", (("parcel", parent),), (("parcel", "$half0"), ("parcel", "$half1")), str(year))]))
        assert made.temp_ids is not None
        return [made.temp_ids[f"half{n}"] for n in (0, 1)]

    x = WEST + 3e-4
    first, second = divide(fids["parcel12"], 2012, x, (STEP - 6e-4) / 2)
    third, _ = divide(first, 2016, x, (STEP - 6e-4) / 4)
    return {"parent": fids["parcel12"], "second": second, "third": third, "building": fids["building2.0"]}


def test_two_versions_lie_side_by_side_on_the_map(desk: NewDesk, divided: dict[str, int]) -> None:
    own = desk(height=900).open(f"{VIEW}&s=building.{divided['building']}")
    page = own.page
    page.get_by_role("tab", name="历史").click()
    expect(page.locator(".version").first.locator("del")).to_have_text("6")
    expect(page.locator(".version").first.locator("ins")).to_have_text("9")
    page.get_by_role("button", name="在图上看差异").first.click()
    kinds = own.until(lambda: page.evaluate(
        "() => [...new Set((window.__map.getLayer('changes-line') ? window.__map.queryRenderedFeatures({layers: ['changes-line']}) : [])"
        ".map((f) => f.properties.change))].sort()") or None, "both versions are drawn")
    assert kinds == ["built", "ended"]
    expect(page.locator(".version-key").first).to_have_text("变更前变更后")
    page.get_by_role("button", name="收起图上差异").click()
    own.until(lambda: page.evaluate("() => window.__map.queryRenderedFeatures({layers: ['changes-line']}).length") == 0, "they are gone")


def test_lineage_is_a_graph_that_the_keyboard_walks(desk: NewDesk, divided: dict[str, int]) -> None:
    own = desk(height=900).expects(410).open(f"{VIEW}&l=parcel&s=parcel.{divided['third']}")
    page = own.page
    page.get_by_role("tab", name="历史").click()
    graph = page.get_by_role("group", name="沿革图：5 个要素，2 次事件")
    expect(graph.get_by_role("button")).to_have_count(5)
    expect(graph.locator(".lineage-event")).to_have_text(["分割2012", "分割2016"])
    expect(graph.locator("[aria-current=true]")).to_have_attribute("aria-label", "110105017001GB20160")
    graph.get_by_role("button", name="110105017001GB20121").focus()
    page.keyboard.press("Enter")
    own.until(lambda: own.selected() == [{"layer": "parcel", "fid": divided["second"]}], "the other half is selected")
