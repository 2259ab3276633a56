"""Reports of the map: one HTML file that stands alone, for who has no access to the service."""
