"""CQL2: parse a filter, check it against a layer, make SQL of it.

The tree of two filters that differ only in their values is equal, so it is the key under which the SQL made from it is
kept. Nothing that is not on the lists of this package gets through.
"""

from layers.cql2.check import check, property_types
from layers.cql2.geometry import in_crs
from layers.cql2.sql import condition, parameter
from layers.cql2.text import both, equals, parse
from layers.cql2.tree import Checked, Node

__all__ = ["Checked", "Node", "both", "check", "condition", "equals", "in_crs", "parameter", "parse",
           "property_types"]
