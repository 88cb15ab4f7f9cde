"""The plugin definition for Meltano Hub, judged by Meltano: it adds the tap by it, and runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import yaml
from harness import CLEAN_ENVIRONMENT
from meltano_project import PROGRAMS, REPOSITORY, credentials

from tap_ycm.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_ycm.sandbox import Sandbox

CAPABILITIES = {
    "about",
    "activate-version",
    "batch",
    "catalog",
    "discover",
    "log-based",
    "properties",
    "schema-flattening",
    "state",
    "stream-maps",
    "structured-logging",
    "test",
}
ENUMS = {
    "maintenance_status": {"active", "beta", "development", "inactive", "unknown"},
    "quality": {"gold", "silver", "bronze", "unknown"},
}
DEFINITION = REPOSITORY / "hub" / "tap-ycm.yml"


def test_the_generated_files_are_what_the_code_says(tmp_path: Path) -> None:
    code = (
        "import generate as g; "
        "print(*(path for path, text in g.generated().items() if path.read_text(encoding='utf-8') != text))"
    )
    environment = {**CLEAN_ENVIRONMENT, "PYTHONPATH": str(REPOSITORY / "scripts"), "PYTHONDONTWRITEBYTECODE": "1"}
    check = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, check=False, capture_output=True, text=True
    )
    assert (check.stdout.strip(), check.stderr) == ("", ""), "run scripts/generate.py"


def test_the_definition_keeps_to_the_rules_of_the_hub() -> None:
    """What meltano/hub's schemas (schemas/plugin_definitions) allow in an extractor, in our own words."""
    definition = yaml.safe_load(DEFINITION.read_text(encoding="utf-8"))
    words = {"name", "namespace", "variant", "label", "description", "docs", "pip_url", "executable", "log_parser"}
    words |= {"definition", "domain_url", "usage", "prereq", "next_steps", "settings_preamble", *ENUMS}
    lists = {"keywords", "capabilities", "settings", "settings_group_validation", "supported_python_versions"}
    assert {key for key, value in definition.items() if isinstance(value, str)} == words
    assert {key for key, value in definition.items() if isinstance(value, list)} == lists
    assert definition.keys() == words | lists | {"commands"}
    for command in definition["commands"].values():
        assert command.keys() == {"executable", "args", "description"}
    for key, allowed in ENUMS.items():
        assert definition[key] in allowed
    assert set(definition["capabilities"]) <= CAPABILITIES
    assert all(re.fullmatch(r"3\.\d+", version) for version in definition["supported_python_versions"])
    names = [setting["name"] for setting in definition["settings"]]
    assert len(set(names)) == len(names)
    assert {name for group in definition["settings_group_validation"] for name in group} <= set(names)
    for setting in definition["settings"]:
        assert setting.keys() <= {"name", "kind", "label", "description", "value", "options", "sensitive"}
        assert setting.keys() >= {"name", "kind", "label", "description"}
        assert setting["kind"] in {"string", "integer", "boolean", "options", "object"}
        assert all(isinstance(option["value"], str) for option in setting.get("options", []))


def test_meltano_adds_the_tap_by_its_definition_and_runs_it(sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    ycm = sandbox(60)
    project: dict[str, Any] = {"default_environment": "dev", "environments": [{"name": "dev"}]}
    (tmp_path / "meltano.yml").write_text(yaml.safe_dump({**project, "send_anonymous_usage_stats": False}))

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        environment = {**CLEAN_ENVIRONMENT, **credentials(ycm), "NO_COLOR": "1"}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, check=False, text=True, timeout=60
        )

    meltano = str(PROGRAMS / "meltano")
    added = run(
        meltano, "add", "--plugin-type", "extractor", "--from-ref", str(DEFINITION), "--no-install", DEFINITION.stem
    )
    assert added.returncode == 0, added.stderr
    project = yaml.safe_load((tmp_path / "meltano.yml").read_text())
    plugin = project["plugins"]["extractors"][0]
    definition = yaml.safe_load(DEFINITION.read_text(encoding="utf-8"))
    assert [setting["name"] for setting in plugin["settings"]] == [name["name"] for name in definition["settings"]]
    judged = run("check-jsonschema", "--builtin-schema", "vendor.meltano", "meltano.yml")
    assert judged.returncode == 0, judged.stdout
    # The one thing that is not the definition's: what is installed is the tap under test, not a release of it.
    del plugin["pip_url"]
    plugin["executable"] = str(PROGRAMS / definition["executable"])
    (tmp_path / "meltano.yml").write_text(yaml.safe_dump(project))
    checked = run(meltano, "invoke", "tap-ycm", "--test")
    assert checked.returncode == 0, checked.stderr
    assert "Connection works: customers: reachable, 60 to be read" in checked.stderr
    assert checked.stderr.count("Connection works: ") == len(STREAMS)
