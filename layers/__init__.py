"""The city's layers: definitions, tables with history, and the one door to their data."""
