"""Processes: pure functions on frames of features, and the queue that runs them. Imports layers, nothing else of ours."""
