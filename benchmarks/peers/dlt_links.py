"""dlt's `rest_api` source with dependent resources: customers, PBXs, and what belongs to each PBX.

    python dlt_links.py config.json

Its rows as messages of Singer; they are not loaded anywhere. The dependent resources ask from dlt's thread pool.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

_PARENT = "cloud_pbxs"
_WORKERS = "8"
os.environ.setdefault("EXTRACT__WORKERS", _WORKERS)

import orjson  # noqa: E402 - dlt reads the environment
from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials  # noqa: E402
from dlt.sources.rest_api import rest_api_source  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def main() -> None:
    """Read the lists and write them."""
    config = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    api = f"{config['base_url']}/dm/open_api"
    source = rest_api_source(
        {
            "client": {
                "base_url": api,
                "auth": OAuth2ClientCredentials(
                    access_token_url=f"{api}/oauth/token",
                    client_id=config["client_id"],
                    client_secret=config["client_secret"],
                ),
                "paginator": {"type": "page_number", "base_page": 1, "page_param": "pageNumber", "total_path": None},
            },
            "resources": [
                _paged("customers", "customerId", "v1/customers"),
                _paged(_PARENT, "cloudPbxId", "v2/cloud_pbx/instances"),
                _linked(
                    "cloud_pbx_customers", "v1/cloud_pbx/instances/{cloudPbxId}/customers", "customerIds", "customerId"
                ),
                _linked(
                    "cloud_pbx_trunks", "v1/shared_trunk/pbx/used?cloudPbxId={cloudPbxId}", "sharedTrunkIds", "trunkId"
                ),
            ],
        }
    )
    write = sys.stdout.buffer.write
    for name, resource in source.resources.items():
        if name != _PARENT:  # the dependent resources take its rows as they are
            resource.add_map(_message(name))
    parent_message = _message(_PARENT)
    for row in source:
        write(orjson.dumps(row if "record" in row else parent_message(row)))
        write(b"\n")


def _paged(name: str, key: str, path: str) -> dict[str, Any]:
    params = {"pageSize": 50, "sort": key}
    return {
        "name": name,
        "primary_key": key,
        "endpoint": {"path": path, "params": params, "data_selector": "data.list"},
    }


def _linked(name: str, path: str, field: str, column: str) -> dict[str, Any]:
    def one_by_one(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for one in row[field]:
            yield {"cloudPbxId": row[f"_{_PARENT}_cloudPbxId"], column: one}

    return {
        "name": name,
        "primary_key": ["cloudPbxId", column],
        "include_from_parent": ["cloudPbxId"],
        "parallelized": True,
        "endpoint": {
            "path": path,
            "params": {"cloudPbxId": {"type": "resolve", "resource": _PARENT, "field": "cloudPbxId"}},
            "data_selector": "data",
            "paginator": "single_page",
        },
        "processing_steps": [{"yield_map": one_by_one}],
    }


def _message(stream: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda row: {"type": "RECORD", "stream": stream, "record": row}


if __name__ == "__main__":
    main()
