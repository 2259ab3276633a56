"""The service: the only floor that knows HTTP, pygeoapi, identity and settings."""
