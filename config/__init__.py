"""Definitions and settings of the city's map."""
