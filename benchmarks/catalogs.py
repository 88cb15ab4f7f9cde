"""Catalogs: what the tap is to read. Without one it reads every stream."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.environments import PROJECT

__all__ = ["catalog_of"]


def catalog_of(*streams: str) -> dict[str, Any]:
    """Return a catalog that selects these streams, with all their columns."""
    return {
        "streams": [
            {
                "tap_stream_id": name,
                "stream": name,
                "schema": json.loads((PROJECT / "schemas" / f"{name}.json").read_text(encoding="utf-8")),
                "metadata": [{"breadcrumb": [], "metadata": {"inclusion": "available", "selected": True}}],
            }
            for name in streams
        ]
    }
