"""OGC API: features, tiles, styles, processes; records and coverages carried from pygeoapi."""
