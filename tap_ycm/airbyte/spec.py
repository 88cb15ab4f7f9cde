"""What can be set in Airbyte: the tap's settings, but for those that mean nothing there, and one more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_ycm.errors import TapError
from tap_ycm.settings import SETTINGS, clean, unknown_setting

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DOCUMENTATION", "SPOOL_FOLDER", "connection_specification", "tap_settings"]

DOCUMENTATION = "https://help.yeastar.com/en/yeastar-central-management/ycm-api/query-all-the-customers.html"
"""Where Airbyte points people to, as in ``hub/``: who publishes the source puts the address of docs/airbyte.md here."""

SPOOL_FOLDER = "spool_folder"

_LEFT_OUT = {
    "client_secret_file",  # Airbyte keeps the secret, and puts no file beside the source
    "access_token",  # lives 30 minutes
    "access_token_file",
    "emit_activate_version_messages",  # see _ALWAYS
    "resume_max_age",
    "report_path",  # the stream syncs has the same
}
_ALWAYS = {
    "emit_activate_version_messages": True,  # an overwritten table loses what is absent: every rule on deletes holds
    "resume_max_age": 0,  # a scan that goes on where another stopped reads the rest only
}
_OWN_WORDS = {
    "client_id": "Client ID of the API client (YCM: System > API).",
    "client_secret": "Client secret of the API client (YCM: System > API).",
    "on_incomplete": "What an incomplete sync of a stream means, one that misses records by YCM's own total for "
    "instance: fail (the stream fails, and the old table stays) or warn (what was read is handed out all the same; for "
    "a YCM whose totals are wrong).",
    "confirm_by_lookup": "Whether YCM is asked for each absent record by itself before it counts as deleted. Switch it "
    "off only if YCM refuses such requests: what is absent from the list is then gone from the table.",
    "max_lookups": "Brake: when more known records are absent, none is looked up, and the old table stays.",
    "max_delete_percent": "Brake: the old table stays when more than this share of the known records is absent, and "
    "more than max_delete_count.",
    "max_delete_count": "Brake: this many records may always be absent from one sync to the next.",
    "confirm_deletes": "Releases the brake for one set of records. The sync that was braked says what to type; for "
    "several streams, with commas between.",
    "confirm_account": "Lets the state of an account be continued under a new address or client ID. The sync that was "
    "refused says what to type.",
}
_SPOOL: dict[str, Any] = {
    "type": "string",
    "title": "Spool folder",
    "description": "Folder on the machine that runs the source, where the records of a stream wait until the stream is "
    "known to be complete. Default: the temporary folder of the system.",
}


def connection_specification() -> dict[str, Any]:
    """Return the JSON schema of what can be set, as Airbyte's forms show it."""
    own = {name: rules for name, rules in SETTINGS["properties"].items() if name not in _LEFT_OUT}
    properties = {name: _shown(name, rules) for name, rules in own.items()} | {SPOOL_FOLDER: dict(_SPOOL)}
    for order, rules in enumerate(properties.values()):
        rules["order"] = order
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Yeastar Central Management (YCM)",
        "type": "object",
        "required": ["client_id", "client_secret"],
        "additionalProperties": True,  # the source itself refuses what it does not know, and says what was meant
        "properties": properties,
    }


def tap_settings(config: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Return the settings for the tap, and where records are to wait.

    Raises:
        TapError: A name is not known, or the folder's is no text.
    """
    given = clean(config)
    known = connection_specification()["properties"]
    if unknown := [unknown_setting(name, known) for name in given if name not in known]:
        raise TapError("; ".join(unknown))
    folder = given.pop(SPOOL_FOLDER, None)
    if folder is not None and not isinstance(folder, str):
        sentence = f"setting {SPOOL_FOLDER} must be a string"
        raise TapError(sentence)
    return given | _ALWAYS, folder


def _shown(name: str, rules: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("title", "description", "default", "enum", "minimum", "maximum")
    shown = {key: rules[key] for key in kept if key in rules}
    shown["type"] = next(kind for kind in rules["type"] if kind != "null")
    shown["description"] = _OWN_WORDS.get(name, shown["description"])
    if rules.get("secret"):
        shown["airbyte_secret"] = True
    return shown
