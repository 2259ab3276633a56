"""The demo city: an invented Chinese city from before 1985 to the plans for 2030, the same for the same seed.

`build` makes it as tables of versions; `layers.demo.load` writes them to a store.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
import shapely

from layers.city import City
from layers.demo.addresses import make_addresses
from layers.demo.admin import make_admin
from layers.demo.admin_tables import admin_tables
from layers.demo.blocks import make_blocks
from layers.demo.building_facts import make_facts
from layers.demo.building_versions import building_table
from layers.demo.buildings import make_buildings
from layers.demo.calendar import STEPS
from layers.demo.corrections import Correction, make_corrections
from layers.demo.fabric import make_fabric
from layers.demo.frame import Frame
from layers.demo.housing import make_units
from layers.demo.land import building_parcel_table, control_zone_table, land_use_table, make_land, parcel_table
from layers.demo.landmarks import add_regions
from layers.demo.lineage import Event, make_lineage
from layers.demo.mesh import make_mesh
from layers.demo.names import Companies, Names
from layers.demo.permits import milestone_and_document_tables
from layers.demo.pipe_tables import pipe_tables
from layers.demo.pipes import make_networks
from layers.demo.places import green_space_table, water_table
from layers.demo.plots import make_plots
from layers.demo.points import address_table, facility_table
from layers.demo.progress import progress_table
from layers.demo.projects import make_projects, project_table, red_line_table
from layers.demo.road_graph import road_table
from layers.demo.roads import diagonal_obstacles, make_lines
from layers.demo.roofs import surface_table
from layers.demo.services import connect
from layers.demo.streets import Streets
from layers.demo.table import Fids
from layers.demo.titles import make_titles
from layers.demo.water import make_water
from layers.demo.zones import make_zones

__all__ = ["Correction", "DemoCity", "Event", "build"]


@dataclass
class DemoCity:
    """A city as tables of versions.

    Attributes
    ----------
    tables
        {layer: DataFrame}, GeoDataFrame in the storage CRS for spatial layers. One row per version: fid (1 to `features`,
        unique over the city), valid_from, valid_to (UTC, NaT: open), begin_precision, end_precision, changeset and
        end_changeset (where beginning and end are entered), then the fields; references hold fids.
    changesets
        (title zh, title en), in order; the rows' `changeset` counts in it.
    corrections
        Changesets that come after all these and change what was believed.
    lineage
        Events, each with the changeset it belongs to.
    """

    frame: Frame
    tables: dict[str, pd.DataFrame]
    corrections: list[Correction]
    lineage: list[Event]
    features: int
    changesets: tuple[tuple[str, str], ...] = field(default=STEPS)


def build(city: City, seed: int = 42) -> DemoCity:
    """Build the demo city on a city's extent and in its coordinate systems; the same for the same seed.

    Raises DefinitionError where the extent is too small for it.
    """
    frame, fids, names = Frame(city), Fids(), Names(seed)
    mesh = make_mesh(frame, seed)
    zones = make_zones(mesh, seed)
    waters = make_water(mesh, seed)
    admin = make_admin(mesh, zones, names)
    blocks = make_blocks(mesh, zones, seed)
    plots = make_plots(blocks, zones, seed)
    by_hand = add_regions(mesh, waters, plots)
    water_shapes = [w.shape for w in waters]
    obstacles = [shapely.buffer(shape, 14) for shape in water_shapes] + diagonal_obstacles()
    fabric = make_fabric(plots, mesh, by_hand, obstacles, seed)
    streets, companies = Streets(mesh, blocks, names), Companies(names)
    titles = make_titles(plots, mesh, blocks, streets, zones.is_zone("hutong"), names, seed)
    land = make_land(plots, admin, obstacles, fids)
    b = make_buildings(plots, fabric, fids, seed)
    a = make_addresses(b, plots, blocks, titles, admin)
    facts = make_facts(b, a, titles, admin, companies, land.code, seed)
    projects = make_projects(plots, land, titles, admin, fids, seed)
    units = make_units(frame, b, facts, a, companies, land.code, fids, seed)
    networks = make_networks(mesh, streets, waters, seed)
    services = connect(networks, b, facts, seed)
    tables = admin_tables(frame, admin, b, facts, fids, seed)
    tables["parcel"] = parcel_table(frame, plots, land, titles, admin, companies, seed)
    tables["land_use"] = land_use_table(frame, plots, land, mesh, zones, admin, water_shapes, fids)
    tables["control_zone"] = control_zone_table(frame, mesh, zones, admin, fids, seed)
    tables["red_line"] = red_line_table(frame, projects, plots, land)
    tables["project"] = project_table(frame, projects, plots, land, titles, b, facts, companies, seed)
    tables["milestone"], tables["document"] = milestone_and_document_tables(frame, projects, fids, seed)
    tables["building"] = building_table(frame, b, facts, projects.of_building(b, len(plots.developments)), seed)
    tables["building_parcel"] = building_parcel_table(frame, plots, land, b, facts.columns["district_code"], fids)
    tables |= {"entrance": units.entrance, "level": units.level, "unit_room": units.unit_room}
    lines = make_lines(mesh, zones, blocks, plots, streets, fabric, obstacles, seed)
    tables["road"] = road_table(frame, mesh, admin, lines, fids)
    tables["water_area"] = water_table(frame, mesh, admin, waters, fids)
    tables["green_space"] = green_space_table(frame, mesh, zones, admin, plots, land, titles, fabric, waters, names, fids, seed)
    tables["address"] = address_table(frame, plots, titles, b, a, facts, units, admin, fids)
    tables["facility"] = facility_table(frame, mesh, plots, titles, b, a, streets, admin, fids, seed)
    tables["pipe_node"], tables["pipe_segment"], tables["customer"] = pipe_tables(frame, mesh, admin, networks, services, b, facts, a, fids, seed)
    of_building = projects.of_building(b, len(plots.developments))
    tables["progress"] = progress_table(frame, projects, b, facts, companies, of_building, fids, seed)
    tables["building_surface"] = surface_table(frame, b, facts, fids)
    return DemoCity(frame, tables, make_corrections(tables, seed), make_lineage(plots, land, b), fids.last)
