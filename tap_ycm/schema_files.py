"""Where the JSON schemas of the streams are."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["schema_directory"]


def schema_directory() -> Traversable:
    """Return the folder of the schemas: the wheel has it inside the package, a checkout beside it."""
    packaged = files("tap_ycm") / "schemas"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[1] / "schemas"
