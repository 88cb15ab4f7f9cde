"""The programs that read from YCM; each is given a configuration, and a catalog where that says what is read."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.catalogs import catalog_of
from benchmarks.environments import PROJECT, program
from benchmarks.server import CLIENT_ID, CLIENT_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "EVERY_STREAM",
    "FIRST_SYNC",
    "FLOORS",
    "FORGETFUL",
    "FOUR_LISTS",
    "FOUR_STREAMS",
    "FOUR_STREAMS_PEERS",
    "PLAIN",
    "TAPS",
    "Client",
    "everyone",
    "sequential_peers",
]

_PEERS = Path(__file__).resolve().parent / "peers"


@dataclass(frozen=True)
class Client:
    """A program that reads whole lists and writes them to its standard output.

    Attributes:
        name: Its name in the tables.
        in_flight: How many requests it has in flight.
        command: Returns the command, given the path of its configuration.
        settings: Returns the configuration, given the address of YCM.
        after: Who has read the list before, and left a state that this one starts with.
        certain: Whether it claims to read every customer once, even while others are deleted.
        streams: What it is to read, where a catalog says so.
    """

    name: str
    in_flight: int
    command: Callable[[str], list[str]]
    settings: Callable[[str], dict[str, Any]]
    after: Client | None = None
    certain: bool = False
    streams: tuple[str, ...] = ()

    def prepared(self, folder: Path, base_url: str) -> list[str]:
        """Write the configuration and the catalog into a folder, and return the command."""
        number = len(list(folder.glob("config-*")))
        path = folder / f"config-{number}.json"
        path.write_text(json.dumps(self.settings(base_url)), encoding="utf-8")
        command = self.command(str(path))
        if self.streams:
            catalog = folder / f"catalog-{number}.json"
            catalog.write_text(json.dumps(catalog_of(*self.streams)), encoding="utf-8")
            command += ["--catalog", str(catalog)]
        return command


def _settings(base_url: str, **more: object) -> dict[str, Any]:
    return {"base_url": base_url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **more}


def _floor(in_flight: int) -> Client:
    def command(config: str) -> list[str]:
        return [program("floor", "python"), str(_PEERS / "floor.py"), config, str(in_flight)]

    name = "bare loop" if in_flight == 1 else f"bare loop, {in_flight} threads"
    return Client(name, in_flight, command, _settings)


def _tap_ycm(concurrency: int, after: Client | None = None) -> Client:
    return Client(
        f"tap-ycm, concurrency {concurrency}",
        concurrency,
        lambda config: [program("taps", "tap-ycm"), "--config", config],
        lambda base_url: _settings(base_url, concurrency=concurrency, emit_activate_version_messages=True),
        after=after,
        certain=True,
        streams=("customers",),
    )


def _forgetful() -> Client:
    first = replace(
        _tap_ycm(1),
        name="tap-ycm that remembers no keys",
        command=lambda config: [program("taps", "python"), str(_PEERS / "forgetful_tap.py"), "--config", config],
    )
    return replace(first, after=first)


def _rest_api_msdk_settings(base_url: str) -> dict[str, Any]:
    api = f"{base_url}/dm/open_api"
    return {
        "api_url": api,
        "auth_method": "oauth",
        "grant_type": "client_credentials",
        "access_token_url": f"{api}/oauth/token",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "pagination_request_style": "page_number_paginator",
        "pagination_response_style": "page",
        "pagination_next_page_param": "pageNumber",
        "next_page_token_path": "$.data.list[0].customerId",  # goes on while a page has anybody
        "streams": [
            {
                "name": "customers",
                "path": "/v1/customers",
                "params": {"pageSize": 50, "sort": "customerId"},
                "records_path": "$.data.list[*]",
                "primary_keys": ["customerId"],
                "schema": str(PROJECT / "schemas" / "customers.json"),
            }
        ],
    }


FLOORS = {in_flight: _floor(in_flight) for in_flight in (1, 4, 8)}
"""The limits: what no client can be far below, with so many requests in flight."""

FIRST_SYNC = replace(_tap_ycm(8), name="tap-ycm, concurrency 8, first sync")

TAPS = {concurrency: _tap_ycm(concurrency, after=FIRST_SYNC) for concurrency in (1, 4, 8)}
"""The tap as it runs every night: with deletes on, and with the state of a sync that was complete."""

FORGETFUL = _forgetful()
"""The tap at concurrency 1, but for the keys: it shows what remembering them costs."""

PLAIN = Client(
    "plain SDK tap",
    1,
    lambda config: [program("taps", "python"), str(_PEERS / "plain_tap.py"), "--config", config],
    _settings,
)

_GENERIC = (
    Client(
        "tap-rest-api-msdk",
        1,
        lambda config: [program("tap-rest-api-msdk", "tap-rest-api-msdk"), "--config", config],
        _rest_api_msdk_settings,
    ),
    Client(
        "airbyte-cdk, declarative",
        1,
        lambda config: [
            *(program("airbyte-cdk", "source-declarative-manifest"), "read", "--config", config),
            *("--catalog", str(_PEERS / "airbyte_catalog.json"), "--manifest-path", str(_PEERS / "airbyte.yaml")),
        ],
        _settings,
    ),
    Client(
        "dlt, `rest_api`",
        1,
        lambda config: [program("dlt", "python"), str(_PEERS / "dlt_rest_api.py"), config],
        _settings,
    ),
)


_FIRST_OF_ALL = replace(FIRST_SYNC, name="tap-ycm, every stream, first sync", streams=())

EVERY_STREAM = replace(TAPS[8], name="tap-ycm, every stream", after=_FIRST_OF_ALL, streams=())
"""The tap without a catalog, as it runs every night."""

FOUR_LISTS = ("customers", "cloud_pbxs", "cloud_pbx_customers", "cloud_pbx_trunks")
"""The lists that all can read: two with pages, and two with one request for each object of another."""

FOUR_STREAMS = replace(
    TAPS[8],
    name="tap-ycm, concurrency 8",
    after=replace(FIRST_SYNC, name="tap-ycm, four lists, first sync", streams=FOUR_LISTS),
    streams=FOUR_LISTS,
)

FOUR_STREAMS_PEERS: tuple[Client, ...] = (
    replace(
        PLAIN,
        command=lambda config: [program("taps", "python"), str(_PEERS / "plain_links.py"), "--config", config],
    ),
    Client(
        "dlt, `rest_api`",
        8,
        lambda config: [program("dlt", "python"), str(_PEERS / "dlt_links.py"), config],
        _settings,
    ),
)
"""Who else could read the four lists: with child streams, and with dependent resources that ask from 8 threads."""


def sequential_peers() -> tuple[Client, ...]:
    """Return who else could do the job: none of them asks for several pages of a list at a time."""
    return (PLAIN, *_GENERIC)


def everyone() -> tuple[Client, ...]:
    """Return all clients."""
    return (*FLOORS.values(), *TAPS.values(), *sequential_peers())
