"""Printed sheets: a map at true scale in the city's projected grid, with all that belongs on paper around it."""
