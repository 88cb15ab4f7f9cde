"""What publishes the source fits the source: its metadata, the file for its image, the page about it."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from meltano_project import installed

from tap_ycm.airbyte.catalogs import TABLES, is_history
from tap_ycm.airbyte.spec import DOCUMENTATION, connection_specification

PROJECT = Path(__file__).parents[2]
METADATA = PROJECT / "examples" / "airbyte" / "metadata.yaml"
MODELS = "airbyte-connector-models==0.1.12 pyyaml"
VALIDATE = """
import sys, yaml
from airbyte_connector_models.metadata.v0.connector_metadata_definition_v0 import ConnectorMetadataDefinitionV0
ConnectorMetadataDefinitionV0.model_validate(yaml.safe_load(sys.stdin))
"""


def test_the_metadata_names_what_there_is() -> None:
    data = yaml.safe_load(METADATA.read_text(encoding="utf-8"))["data"]
    assert set(data["suggestedStreams"]["streams"]) <= TABLES.keys()
    assert data["documentationUrl"] == DOCUMENTATION
    assert data["name"] == connection_specification()["title"]
    [host] = data["allowedHosts"]["hosts"]
    assert host.removeprefix("${").removesuffix("}") in connection_specification()["properties"]


@pytest.mark.airbyte
def test_the_metadata_is_as_airbyte_wants_it() -> None:
    validated = subprocess.run(
        [installed(MODELS, "python"), "-c", VALIDATE],
        input=METADATA.read_text(encoding="utf-8"),
        capture_output=True,
        check=False,
        text=True,
    )
    assert validated.returncode == 0, validated.stderr


def test_the_image_starts_the_command_that_the_package_has() -> None:
    scripts = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    text = (PROJECT / "examples" / "airbyte" / "Dockerfile").read_text(encoding="utf-8")
    [entry] = re.findall(r'^ENTRYPOINT \["(.+)"\]$', text, re.MULTILINE)
    assert entry in scripts
    assert f'AIRBYTE_ENTRYPOINT="{entry}"' in text


def test_the_page_has_the_sections_that_airbyte_wants_and_the_modes_of_each_stream() -> None:
    page = (PROJECT / "docs" / "airbyte.md").read_text(encoding="utf-8")
    sections = re.findall(r"^##? (.+)$", page, re.MULTILINE)
    assert sections == [
        connection_specification()["title"],
        "Prerequisites",
        "Setup guide",
        "Supported sync modes",
        "Supported Streams",
        "Performance considerations",
        "Data type map",
        "Limitations & Troubleshooting",
        "Changelog",
    ]
    for name, table in TABLES.items():
        [line] = [line for line in page.splitlines() if re.match(rf"\| \[?`{name}`", line)]
        assert line.endswith("| Incremental |" if is_history(table) else "| Full refresh |")
