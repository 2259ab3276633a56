"""OGC API: features, tiles, styles; records, processes and coverages carried from pygeoapi."""
