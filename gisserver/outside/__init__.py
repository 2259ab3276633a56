"""Layers of services of others, fetched by this server from hosts that an administrator allowed."""
