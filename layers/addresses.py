"""Addresses as Beijing writes them: street, compound, building, entrance, room; read from the right end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["LEVELS", "Address", "Level", "parse_address"]

Level = Literal["street", "compound", "building", "entrance", "room"]
LEVELS: tuple[Level, ...] = ("street", "compound", "building", "entrance", "room")

# Of a text that gis.plain_address() has brought into one way of writing: digits are half width, buildings are 号楼.
_ADDRESS = re.compile(
    r"(?P<street>.*?)"
    r"(?P<compound>(?:[甲乙丙丁戊己庚辛壬癸]|副|临)?\d+(?:-\d+)?(?:号院?|弄)(?!楼)(?:[甲乙丙丁]院)?(?:[东南西北中]区|[一二三四五六七八九十\d]区)?)?"
    r"(?P<building>(?:[甲乙丙丁]?\d+号楼|[a-z]\d?座|[a-z]\d?号楼|\d+座))?"
    r"(?P<entrance>(?:\d+|[a-z])(?:单元|门))?"
    r"(?P<room>(?:地下|负|-)?(?:\d+层)?[a-z]?\d*[a-z]?(?:室|号|户)?)?")


@dataclass(frozen=True)
class Address:
    """The parts of an address, empty where it has none."""

    street: str = ""
    compound: str = ""
    building: str = ""
    entrance: str = ""
    room: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the parts that are there, from the widest to the narrowest."""
        return tuple(part for part in (self.street, self.compound, self.building, self.entrance, self.room) if part)

    @property
    def level(self) -> Level | None:
        """Return how far the address leads: the narrowest part it has."""
        return next((level for level in reversed(LEVELS) if getattr(self, level)), None)

    @property
    def is_numbered(self) -> bool:
        """Does it lead further than to a street?"""
        return bool(self.compound or self.building or self.entrance)

    def wider(self) -> Address | None:
        """Return the address without its narrowest part; None where only a street is left."""
        level = self.level
        if level in (None, "street"):
            return None
        return Address(**{name: getattr(self, name) for name in LEVELS if name != level})


def parse_address(norm: str) -> Address:
    """Read an address in normal form (as `norm` of gis.search_keys).

    >>> parse_address("北京市朝阳区望京东街8号院3号楼2单元501")
    Address(street='北京市朝阳区望京东街', compound='8号院', building='3号楼', entrance='2单元', room='501')
    >>> parse_address("望京花园3号楼").level
    'building'
    >>> parse_address("望京").level
    'street'
    """
    found = _ADDRESS.fullmatch(norm)
    parts = {name: text or "" for name, text in found.groupdict().items()} if found else {"street": norm}
    if parts.get("room") and not (parts["compound"] or parts["building"] or parts["entrance"]):
        # 'cbd12' or '2008' is a name or a number, no room.
        parts["street"], parts["room"] = norm, ""
    return Address(**parts)
