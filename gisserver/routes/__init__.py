"""The city's own addresses: changesets, search, the client and its configuration, operation."""
