"""Coordinate reference systems on the wire: what a collection offers and what a request asks for."""

from __future__ import annotations

from layers.city import City
from layers.crs import CRS84, Crs, find_crs, make_crs, offered
from layers.layer import Layer

__all__ = ["asked_crs", "content_crs", "crs_list", "storage_crs", "systems"]


def systems(city: City) -> tuple[Crs, ...]:
    """Return the systems that every collection of a city offers, CRS84 first."""
    return offered(city.storage_srid, city.projected_srid)


def crs_list(city: City, layer: Layer) -> list[str]:
    """Return the URIs of the systems of a collection; a table without geometry has only the default one."""
    return [crs.uri for crs in systems(city)] if layer.kind == "spatial" else [CRS84.uri]


def storage_crs(city: City) -> str:
    """Return the URI of the system in which geometries are kept."""
    return make_crs(city.storage_srid).uri


def asked_crs(city: City, parameter: str, text: str | None) -> Crs:
    """Return the system that a parameter names, CRS84 without it. Raises InvalidParameter."""
    return CRS84 if text is None else find_crs(text, systems(city), parameter)


def content_crs(crs: Crs) -> str:
    """Return the value of the Content-Crs header."""
    return f"<{crs.uri}>"
