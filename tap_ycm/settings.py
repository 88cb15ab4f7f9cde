"""What can be set: the settings, their checks, and the sentences for what is wrong with them.

Pure, but for the SDK's helpers that write JSON schema. A value has the same meaning and type wherever it comes from:
a file, the environment (``--config=ENV``) or Meltano. An empty string is a missing value.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from singer_sdk import typing as th

from tap_ycm.errors import TapError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ENV_PREFIX",
    "HARMLESS",
    "SETTINGS",
    "Settings",
    "clean",
    "from_environment",
    "package_version",
    "unknown_setting",
]

ENV_PREFIX = "TAP_YCM_"

DEFAULT_BASE_URL = "https://ycm.yeastar.com"


def package_version() -> str:
    """Return the version of the installed package, ``0`` from a bare source tree."""
    try:
        return version("tap-ycm")
    except PackageNotFoundError:
        return "0"


HARMLESS: set[str] = set()
"""Settings that decide neither what is read nor how it is written: an interrupted scan goes on when they change."""


def _harmless(name: str, *arguments: Any, **options: Any) -> th.Property[Any]:
    HARMLESS.add(name)
    return th.Property(name, *arguments, **options)


SETTINGS: dict[str, Any] = th.PropertiesList(
    th.Property(
        "base_url",
        th.StringType,
        default=DEFAULT_BASE_URL,
        title="Base URL",
        description="Address of your YCM, as in the browser. Plain http is refused except on a loopback address.",
    ),
    th.Property(
        "client_id",
        th.StringType,
        title="Client ID",
        description="Client ID of the API client (YCM: System > API). Needs client_secret or client_secret_file.",
    ),
    _harmless(
        "client_secret",
        th.StringType,
        secret=True,
        title="Client secret",
        description="Client secret of the API client (YCM: System > API). Needs client_id.",
    ),
    _harmless(
        "client_secret_file",
        th.StringType,
        title="Client secret file",
        description="File that holds the client secret, instead of client_secret; a line end after it is left out.",
    ),
    th.Property(
        "access_token",
        th.StringType,
        secret=True,
        title="Access token",
        description="An access token that you got yourself, instead of client_id and client_secret. "
        "It lives 30 minutes and the tap cannot renew it.",
    ),
    _harmless(  # the token itself decides: see TapYCM.fingerprint
        "access_token_file",
        th.StringType,
        title="Access token file",
        description="File that holds the access token, instead of access_token; a line end after it is left out.",
    ),
    _harmless(
        "user_agent",
        th.StringType,
        title="User agent",
        description="User-Agent header of every request. YCM requires one. Default: tap-ycm/<version>.",
    ),
    _harmless(
        "page_size",
        th.IntegerType(minimum=1, maximum=50),
        default=50,
        title="Page size",
        description="Records per request, 1 to 50. Fewer means more requests.",
    ),
    _harmless(
        "concurrency",
        th.IntegerType(minimum=1, maximum=16),
        default=4,
        title="Concurrency",
        description="Requests in flight at a time, 1 to 16.",
    ),
    _harmless(
        "request_timeout",
        th.IntegerType(minimum=1, maximum=3600),
        default=120,
        title="Request timeout",
        description="Seconds that one request may take, from sending to the last byte, before it is given up and "
        "repeated, 1 to 3600. Connecting has its own limit of 15 seconds.",
    ),
    _harmless(
        "retry_budget",
        th.IntegerType(minimum=0, maximum=86400),
        default=900,
        title="Retry budget",
        description="Seconds that one request may be repeated for while YCM limits the rate. "
        "Other faults get a third of it. 0 means never repeat.",
    ),
    _harmless(
        "max_requests_per_minute",
        th.IntegerType(minimum=1, maximum=100000),
        title="Maximum requests per minute",
        description="Paces the tap ahead of YCM's limit. YCM warns its administrators at 80 % of the rate: "
        "set 75 % of Rate / Interval or less. Default: no pace.",
    ),
    _harmless(
        "ca_bundle",
        th.StringType,
        title="CA bundle",
        description="File of certificate authorities (PEM) to trust instead of the usual ones, for a private CA. "
        "Default: REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE if set.",
    ),
    th.Property(
        "emit_activate_version_messages",
        th.BooleanType,
        default=False,
        title="Emit ACTIVATE_VERSION messages",
        description="Whether the target may delete records that no longer exist in YCM. It is told so only after a "
        "complete sync, and after YCM has confirmed each delete.",
    ),
    _harmless(
        "on_incomplete",
        th.StringType,
        default="fail",
        allowed_values=["fail", "warn"],
        title="On incomplete",
        description="What an incomplete sync means, one that misses records by YCM's own total for instance: "
        "fail (exit status 1, after everything is written) or warn (exit status 0; for a YCM whose totals are wrong).",
    ),
    _harmless(
        "confirm_by_lookup",
        th.BooleanType,
        default=True,
        title="Confirm by look-up",
        description="Whether YCM is asked for each absent record by itself before it counts as deleted. "
        "Switch it off only if YCM refuses such requests: deletes then rest on the list alone.",
    ),
    _harmless(
        "max_lookups",
        th.IntegerType(minimum=0),
        default=1000,
        title="Maximum look-ups",
        description="Brake: when more known records are absent, none is looked up and deletes are withheld.",
    ),
    _harmless(
        "max_delete_percent",
        th.IntegerType(minimum=0, maximum=100),
        default=20,
        title="Maximum deletes, percent",
        description="Brake: deletes are withheld when more than this share of the known records is absent, and more "
        "than max_delete_count.",
    ),
    _harmless(
        "max_delete_count",
        th.IntegerType(minimum=0),
        default=10,
        title="Maximum deletes, count",
        description="Brake: this many records may always be deleted from one sync to the next.",
    ),
    _harmless(
        "confirm_deletes",
        th.StringType,
        title="Confirm deletes",
        description="Releases the brake for one set of records. The run that was braked says what to type; "
        "for several streams, with commas between.",
    ),
    _harmless(
        "confirm_account",
        th.StringType,
        title="Confirm account",
        description="Lets the state of an account be continued under a new address or client ID. "
        "The run that was refused says what to type.",
    ),
    _harmless(
        "resume_max_age",
        th.IntegerType(minimum=0),
        default=21600,
        title="Resume up to this age",
        description="Seconds: an interrupted scan that began no longer ago is continued, an older one is restarted. "
        "0 means never continue.",
    ),
    _harmless(
        "report_path",
        th.StringType,
        title="Report path",
        description="File to write what became of each stream to, as JSON, at the end of each run, also of a failed "
        "one: the rows of the stream syncs. Default: none.",
    ),
    th.Property(
        "unknown_fields",
        th.StringType,
        default="warn",
        allowed_values=["warn", "keep", "fail"],
        title="Unknown fields",
        description="What to do with a field that the schema does not know: warn (drop it and say so), "
        "keep (all of them in one JSON column _extra), or fail.",
    ),
).to_dict()
"""JSON schema of the settings; ``--about`` shows it."""

_LIKE = {"integer": "a whole number", "boolean": "true or false", "object": "a JSON object", "string": "a string"}
_SECRETS_IN_FILES = ("client_secret", "access_token")
_MOST_OF_A_SECRET = 2**16
_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run, checked; secrets are read from their files. Names and units: ``SETTINGS``."""

    base_url: str
    client_id: str | None
    client_secret: str | None
    client_secret_file: str | None
    access_token: str | None
    access_token_file: str | None
    user_agent: str
    page_size: int
    concurrency: int
    request_timeout: int
    retry_budget: int
    max_requests_per_minute: int | None
    ca_bundle: str | None
    emit_activate_version_messages: bool
    on_incomplete: str
    confirm_by_lookup: bool
    max_lookups: int
    max_delete_percent: int
    max_delete_count: int
    confirm_deletes: str | None
    confirm_account: str | None
    resume_max_age: int
    report_path: str | None
    unknown_fields: str

    @classmethod
    def of(cls, config: Mapping[str, Any], schema: Mapping[str, Any] = SETTINGS) -> Settings:
        """Check a configuration.

        Args:
            config: Setting names and values, with the types of the schema or as strings.
            schema: JSON schema of all settings, the SDK's own included.

        Raises:
            TapError: Something is wrong with it; the text never quotes a value.
        """
        known: dict[str, Any] = schema["properties"]
        given = clean(config)
        problems = [unknown_setting(name, known) for name in given if name not in known]
        values: dict[str, Any] = {}
        for name, rules in SETTINGS["properties"].items():
            value = given.get(name, rules.get("default"))
            if value is None:
                values[name] = None
                continue
            try:
                values[name] = _typed(value, rules)
            except ValueError as problem:
                problems.append(f"setting {name} {problem}")
                values[name] = None
        if not problems:
            problems += _read_secrets(values)
        if not problems:
            problems += _problems_together(values)
            try:
                values["base_url"] = _base_url(values["base_url"])
            except ValueError as problem:
                problems.append(f"setting base_url {problem}")
        if problems:
            raise TapError("; ".join(problems))
        values["user_agent"] = values["user_agent"] or f"tap-ycm/{package_version()}"
        return cls(**values)


def clean(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration without what is missing: null, or a string without a visible character."""
    return {
        name: value
        for name, value in config.items()
        if value is not None and not (isinstance(value, str) and not value.strip())
    }


def from_environment(environment: Mapping[str, str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that environment variables ``TAP_YCM_<NAME>`` carry.

    Args:
        environment: The process environment.
        schema: JSON schema of all settings, the SDK's own included.

    Raises:
        TapError: A variable has a setting's prefix, but no setting has its name; or it should hold JSON and does not.
    """
    known: dict[str, Any] = schema["properties"]
    not_settings = {"LOGLEVEL"}  # the SDK's own
    config: dict[str, Any] = {}
    for variable, text in environment.items():
        name = variable.removeprefix(ENV_PREFIX).lower()
        if not variable.startswith(ENV_PREFIX) or name.upper() in not_settings or name.startswith("_"):
            continue
        if name not in known:
            raise TapError(unknown_setting(name, known, variable))
        kinds = known[name].get("type", "string")
        if text.strip() and "object" in kinds:
            try:
                config[name] = json.loads(text)
            except ValueError:
                sentence = f"environment variable {variable} must hold a JSON object"
                raise TapError(sentence) from None
        elif text.strip() and {"integer", "boolean"} & set(kinds):
            try:
                config[name] = _typed(text, known[name])
            except ValueError as problem:
                sentence = f"environment variable {variable} {problem}"
                raise TapError(sentence) from None
        else:
            config[name] = text
    return config


def unknown_setting(name: str, known: Mapping[str, Any], shown: str | None = None) -> str:
    """Return a sentence about a name that no setting has, which may be shown as something else."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known settings are {', '.join(known)}"
    return f"unknown setting {shown or name}: {hint}"


def _typed(value: object, rules: Mapping[str, Any]) -> object:
    """Return a value in the setting's type; numbers and switches may come as strings."""
    kind = next(kind for kind in rules["type"] if kind != "null")
    if isinstance(value, str) and kind == "integer" and re.fullmatch(r"\s*-?\d{1,18}\s*", value):
        value = int(value)
    if isinstance(value, str) and kind == "boolean":
        value = {
            "true": True,
            "1": True,
            "yes": True,
            "on": True,
            "false": False,
            "0": False,
            "no": False,
            "off": False,
        }.get(value.strip().lower(), value)
    wanted = {"integer": int, "boolean": bool, "string": str}[kind]
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind != "boolean"):
        problem = f"must be {_LIKE[kind]}"
        raise ValueError(problem)
    if isinstance(value, int) and not rules.get("minimum", value) <= value <= rules.get("maximum", value):
        most = f" and {rules['maximum']}" if "maximum" in rules else " or more"
        problem = f"must be {'between ' if 'maximum' in rules else ''}{rules['minimum']}{most}"
        raise ValueError(problem)
    if "enum" in rules and value not in rules["enum"]:
        problem = f"must be one of {', '.join(rules['enum'])}"
        raise ValueError(problem)
    return value


def _read_secrets(values: dict[str, Any]) -> list[str]:
    """Put what the files of secrets hold in the place of the secrets, and return what is wrong with them."""
    problems = []
    for name in _SECRETS_IN_FILES:
        path = values[f"{name}_file"]
        if path and values[name]:
            problems.append(f"give either {name} or {name}_file, not both")
        elif path:
            try:
                values[name] = _secret_in(path)
            except ValueError as problem:
                problems.append(f"the file of {name}_file {problem}")
    return problems


def _secret_in(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MOST_OF_A_SECRET)
        secret = content.decode().rstrip("\r\n")
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise ValueError(problem) from None
    except ValueError:  # whose text quotes it: no UTF-8, or a path that no file can have
        secret = ""
    if not secret.strip():
        problem = "must hold a text"
        raise ValueError(problem)
    return secret


def _problems_together(values: Mapping[str, Any]) -> list[str]:
    token, pair = values["access_token"], [values["client_id"], values["client_secret"]]
    if token and any(pair):
        return ["give either access_token or client_id and client_secret, not both"]
    if not token and not any(pair):
        return ["credentials are missing: set client_id and client_secret (YCM: System > API), or access_token"]
    if not token and not all(pair):
        return [f"setting {'client_secret' if pair[0] else 'client_id'} is missing: the two go together"]
    if values["ca_bundle"] and not Path(values["ca_bundle"]).is_file():
        return ["setting ca_bundle must name a file"]
    where = "the file of access_token_file" if values["access_token_file"] else "setting access_token"
    return [
        f"{place} must be printable ASCII, for it is sent in a header"
        for name, place in (("access_token", where), ("user_agent", "setting user_agent"))
        if values[name] and not (values[name].isascii() and values[name].isprintable())
    ]


def _base_url(text: str) -> str:
    """Return ``scheme://host[:port][/prefix]`` without a trailing slash or a pasted API path."""
    text = text.strip()
    problem = ""
    try:
        url = urlsplit(text if "://" in text else f"https://{text}")
        host, port = url.hostname, url.port
    except ValueError:  # whose text quotes what was given
        url, host, port = urlsplit(""), None, None
    if url.scheme not in {"https", "http"} or not host or re.search(r"\s", text):
        problem = "must be an address like https://ycm.example.com"
    elif url.username is not None or url.password is not None or url.query or url.fragment:
        problem = "must be a plain address, without user, password, query or fragment"
    elif url.scheme == "http" and not _LOOPBACK.fullmatch(host):
        problem = "must start with https: plain http would show the credentials to the network"
    if problem or host is None:
        raise ValueError(problem)
    path = re.sub(r"/dm(/open_api.*)?$", "", url.path.rstrip("/")).rstrip("/")
    name = f"[{host}]" if ":" in host else host
    return f"{url.scheme}://{name}{'' if port is None else f':{port}'}{path}"
