"""The programs that read the customers; each must be given a configuration file and nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments import PROJECT, program
from server import CLIENT_ID, CLIENT_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FIRST_SYNC", "FLOORS", "FORGETFUL", "PLAIN", "TAPS", "Client", "everyone", "sequential_peers"]

_PEERS = Path(__file__).resolve().parent / "peers"


@dataclass(frozen=True)
class Client:
    """A program that reads the whole list and writes it to its standard output.

    Attributes:
        name: Its name in the tables.
        in_flight: How many requests it has in flight.
        command: Returns the command, given the path of its configuration.
        settings: Returns the configuration, given the address of YCM.
        after: Who has read the list before, and left a state that this one starts with.
        certain: Whether it claims to read every customer once, even while others are deleted.
    """

    name: str
    in_flight: int
    command: Callable[[str], list[str]]
    settings: Callable[[str], dict[str, Any]]
    after: Client | None = None
    certain: bool = False

    def prepared(self, folder: Path, base_url: str) -> list[str]:
        """Write the configuration into a folder, and return the command."""
        path = folder / f"config-{len(list(folder.glob('config-*')))}.json"
        path.write_text(json.dumps(self.settings(base_url)), encoding="utf-8")
        return self.command(str(path))


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


def sequential_peers() -> tuple[Client, ...]:
    """Return who else could do the job: none of them asks for several pages of a list at a time."""
    return (PLAIN, *_GENERIC)


def everyone() -> tuple[Client, ...]:
    """Return all clients."""
    return (*FLOORS.values(), *TAPS.values(), *sequential_peers())
