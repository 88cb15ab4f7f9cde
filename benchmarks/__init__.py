"""Measurements: `scripts/benchmark`."""
