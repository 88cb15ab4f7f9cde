"""Writes what follows from the code: settings and streams in README, meltano.yml, docs, examples and ``hub/``.

Run it after a change of a setting or a stream: ``.venv/bin/python scripts/generate.py``. A test holds the files against
the code.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import describe_airbyte
import describe_dbt
import describe_streams

from tap_ycm.settings import SETTINGS
from tap_ycm.tap import TapYCM

PROJECT = Path(__file__).resolve().parents[1]
OWN: dict[str, dict[str, Any]] = SETTINGS["properties"]

CREDENTIALS = (
    ("client_id", "client_secret"),
    ("client_id", "client_secret_file"),
    ("access_token",),
    ("access_token_file",),
)
"""Of these groups of settings, one must be set."""

HUB_HEAD = """\
# For Meltano Hub (_data/meltano/extractors/tap-ycm/<variant>.yml): made by scripts/generate.py.
# Whoever lists it sets the variant to the owner of the repository, and adds repo and logo_url.
name: tap-ycm
variant: original
namespace: tap_ycm
label: Yeastar Central Management (YCM)
description: All lists of a Yeastar Central Management account, such as customers, cloud PBXs, users and trunks.
definition: is a Singer tap for Yeastar Central Management (YCM), the web service that runs customers' cloud PBXs.
domain_url: https://www.yeastar.com/
docs: https://help.yeastar.com/en/yeastar-central-management/ycm-api/query-all-the-customers.html
pip_url: tap-ycm
executable: tap-ycm
log_parser: singer-sdk
maintenance_status: beta
quality: unknown
keywords: [api, customers, meltano_sdk, pbx, telephony, trunks, yeastar]
"""

HUB_TAIL = """\
prereq: |
  - An API client of your YCM account: switch the API on under *System > API*, and note Client ID and Client Secret.
  - If you restrict IP addresses there, allow the machine that runs the tap.
settings_preamble: |
  Give either `client_id` and `client_secret`, or `access_token`; each of the two secrets can also come from a file.
next_steps: |
  `meltano invoke tap-ycm --test` says for each selected stream whether it can be read, and prints no record.
usage: |
  ## Probe

  `meltano invoke tap-ycm:probe` asks YCM at most 60 harmless questions and says how it behaves, and what to set if that
  is not as documented; the report holds no value of a row. `meltano invoke tap-ycm:probe --dry-run` only says what
  would be asked.

  ## Deletes

  With `emit_activate_version_messages`, targets that understand `ACTIVATE_VERSION` mark or delete records that are
  gone from YCM: only after a complete sync, and never when suspiciously many are gone (`max_delete_percent`).

  ## Streams

"""


COMMANDS = """\
probe:
  executable: tap-ycm-probe
  args: --config ENV
  description: Ask YCM a few harmless questions, and say how it behaves.
"""
"""What `meltano invoke tap-ycm:...` runs. Meltano gives it the settings by the environment, and no file."""


def kind(rules: dict[str, Any]) -> str:
    """Return Meltano's kind of a setting."""
    return "options" if "enum" in rules else next(str(name) for name in rules["type"] if name != "null")


def default(rules: dict[str, Any]) -> str:
    """Return a default as YAML and README write it; empty if there is none."""
    value = rules.get("default")
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def settings_yaml(settings: dict[str, dict[str, Any]]) -> str:
    """Return settings as Meltano describes them."""
    lines = []
    for name, rules in settings.items():
        lines += [f"- name: {name}", f"  kind: {kind(rules)}"]
        if "enum" in rules:
            lines.append("  options:")
            for value in rules["enum"]:
                lines += [f"    - label: {value.capitalize()}", f"      value: {value}"]
        if rules.get("secret"):
            lines.append("  sensitive: true")
        if default(rules):
            lines.append(f"  value: {default(rules)}")
        description = textwrap.wrap(rules["description"], 96, break_on_hyphens=False, break_long_words=False)
        lines += [f"  label: {rules['title']}", "  description: >-", *(f"    {line}" for line in description)]
    return "\n".join(lines) + "\n"


def capabilities_yaml() -> str:
    """Return the capabilities as Meltano lists them."""
    return "".join(f"- {capability.value}\n" for capability in TapYCM.capabilities)


def hub_definition() -> str:
    """Return the plugin definition for Meltano Hub, the SDK's settings included."""
    TapYCM.append_builtin_config(TapYCM.config_jsonschema)
    versions = TapYCM.get_supported_python_versions() or []
    groups = "".join(f"- [{', '.join(group)}]\n" for group in CREDENTIALS)
    parts = {
        "supported_python_versions": "".join(f'- "{version}"\n' for version in versions),
        "capabilities": capabilities_yaml(),
        "commands": COMMANDS,
        "settings_group_validation": groups,
        "settings": settings_yaml(TapYCM.config_jsonschema["properties"]),
    }
    tail = HUB_TAIL + textwrap.indent(describe_streams.hub_list(), "  ")
    return HUB_HEAD + "".join(f"{key}:\n{textwrap.indent(text, '  ')}" for key, text in parts.items()) + tail


def settings_table() -> str:
    """Return the table of settings for README."""
    rows = [f"| `{name}` | {shown(rules)} | {rules['description']} |" for name, rules in OWN.items()]
    return "\n".join(["| setting | default | meaning |", "| --- | --- | --- |", *rows])


def shown(rules: dict[str, Any]) -> str:
    """Return a default as README shows it."""
    return f"`{default(rules)}`" if default(rules) else ""


def between(text: str, start: str, end: str, new: str) -> str:
    """Replace what stands from ``start`` to just before ``end``."""
    first = text.index(start)
    return text[:first] + new + text[text.index(end, first) :]


def readme() -> str:
    """Return README with its tables of settings and streams."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    text = between(text, "| setting | default |", "\n\n", settings_table())
    return between(text, "| stream | how it is read |", "<!-- /streams -->", describe_streams.readme_table())


def meltano_yml() -> str:
    """Return meltano.yml with the tap's capabilities, settings, and what most people want to select."""
    text = (PROJECT / "meltano.yml").read_text(encoding="utf-8")
    capabilities = f"      capabilities:\n{textwrap.indent(capabilities_yaml(), ' ' * 8)}"
    capabilities += f"      commands:\n{textwrap.indent(COMMANDS, ' ' * 8)}"
    settings, wishes = settings_yaml(OWN), describe_streams.select_wishes()
    text = between(text, "      capabilities:\n", "      settings_group_validation:", capabilities)
    text = between(text, "        - name: base_url\n", "      # What is read", textwrap.indent(settings, " " * 8))
    return between(text, "      # Customers only:\n", "\n  loaders:", textwrap.indent(wishes, " " * 6))


def privacy_example() -> str:
    """Return the examples on privacy, with the columns without personal data where a mark asks for them."""
    text = (PROJECT / "examples" / "privacy" / "meltano.yml").read_text(encoding="utf-8")

    def filled(mark: re.Match[str]) -> str:
        patterns = describe_streams.harmless_columns(*re.findall(r"\w+", mark["streams"]))
        return "".join([mark["start"], *(f"        - {pattern}\n" for pattern in patterns), mark["end"]])

    marks = r"(?P<start> +# <harmless(?P<streams>.*)>\n)(?: +- .*\n)*(?P<end> +# </harmless>\n)"
    return re.sub(marks, filled, text)


def airbyte_page() -> str:
    """Return the page on Airbyte with its tables of settings and streams."""
    text = (PROJECT / "docs" / "airbyte.md").read_text(encoding="utf-8")
    for mark, table in (
        ("settings", describe_airbyte.settings_table()),
        ("streams", describe_airbyte.streams_table()),
    ):
        text = between(text, f"<!-- {mark} -->", f"<!-- /{mark} -->", f"<!-- {mark} -->\n{table}")
    return text


def generated() -> dict[Path, str]:
    """Return each file that this writes, with its content."""
    return {
        PROJECT / "meltano.yml": meltano_yml(),
        PROJECT / "README.md": readme(),
        PROJECT / "docs" / "tables.md": describe_streams.catalogue(),
        PROJECT / "docs" / "airbyte.md": airbyte_page(),
        PROJECT / "examples" / "privacy" / "meltano.yml": privacy_example(),
        PROJECT / "hub" / "tap-ycm.yml": hub_definition(),
        **describe_dbt.dbt_files(),
    }


if __name__ == "__main__":
    for path, content in generated().items():
        path.write_text(content, encoding="utf-8")
