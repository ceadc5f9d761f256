"""Layers: modules that compute one thing each."""
