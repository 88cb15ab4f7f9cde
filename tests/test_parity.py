"""One truth in four places: the settings in code, in meltano.yml, in --about and in README."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tap_ycm.settings import SETTINGS
from tap_ycm.tap import TapYCM

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Run

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
PROPERTIES: dict[str, dict[str, Any]] = SETTINGS["properties"]


def kind_of(rules: dict[str, Any]) -> str:
    if "enum" in rules:
        return "options"
    return next(str(kind) for kind in rules["type"] if kind != "null")


def table(heading: str) -> list[list[str]]:
    """Return the cells of the first table under a heading of the README, without its head."""
    section = README.partition(f"\n{heading}\n")[2]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    first = section.splitlines().index(rows[0])
    length = next(place for place, line in enumerate(section.splitlines()[first:]) if not line.startswith("|"))
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:length]]


def extractor() -> dict[str, Any]:
    project = yaml.safe_load((PROJECT / "meltano.yml").read_text(encoding="utf-8"))
    plugin: dict[str, Any] = project["plugins"]["extractors"][0]
    return plugin


def test_meltano_yml_has_the_settings_of_the_code() -> None:
    settings = {setting["name"]: setting for setting in extractor()["settings"]}
    assert list(settings) == list(PROPERTIES)
    for name, rules in PROPERTIES.items():
        setting = settings[name]
        assert setting["kind"] == kind_of(rules), name
        assert setting.get("value") == rules.get("default"), name
        assert setting.get("sensitive", False) == rules.get("secret", False), name
        assert setting["label"] == rules["title"], name
        assert setting["description"] == rules["description"], name
        assert [option["value"] for option in setting.get("options", [])] == rules.get("enum", []), name


def test_meltano_yml_has_the_capabilities_of_the_code() -> None:
    assert extractor()["capabilities"] == [str(capability.value) for capability in TapYCM.capabilities]


def test_about_has_the_settings_of_the_code(tap: Callable[..., Run]) -> None:
    about = json.loads(tap("--about", "--format=json").stdout)["settings"]["properties"]
    assert {name: about[name] for name in PROPERTIES} == PROPERTIES
    assert set(about) - set(PROPERTIES) == {
        "stream_maps",
        "stream_map_config",
        "faker_config",
        "flattening_enabled",
        "flattening_max_depth",
        "flattening_max_key_length",
        "flattening_separator",
    }


def test_readme_has_the_settings_of_the_code() -> None:
    rows = {row[0].strip("`"): row for row in table("### Settings")}
    assert list(rows) == list(PROPERTIES)
    for name, rules in PROPERTIES.items():
        default = rules.get("default")
        shown = "" if default is None else f"`{str(default).lower() if isinstance(default, bool) else default}`"
        assert rows[name][1] == shown, name
        assert rows[name][2] == rules["description"], name


def test_every_promise_in_readme_names_a_test_that_exists() -> None:
    named = re.findall(r"tests/[\w/]+\.py", README)
    assert named
    assert not [path for path in named if not (PROJECT / path).is_file()]
