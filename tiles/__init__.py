"""The city in tiles: grids, vector tiles, symbology."""
