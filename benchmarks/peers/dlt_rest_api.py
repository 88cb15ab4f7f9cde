"""dlt's `rest_api` source from a declaration, its rows as lines of JSON: ``python dlt_rest_api.py config.json``.

The resource is iterated, not loaded anywhere: this is dlt's part of a tap, without that of a target.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import orjson
from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials
from dlt.sources.rest_api import rest_api_source


def main() -> None:
    """Read the list and write it."""
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
                "paginator": {
                    "type": "page_number",
                    "base_page": 1,
                    "page_param": "pageNumber",
                    "total_path": None,  # dlt takes a total for a number of pages; so it stops at the empty page
                },
            },
            "resources": [
                {
                    "name": "customers",
                    "primary_key": "customerId",
                    "endpoint": {
                        "path": "v1/customers",
                        "params": {"pageSize": 50, "sort": "customerId"},
                        "data_selector": "data.list",
                    },
                }
            ],
        }
    )
    write = sys.stdout.buffer.write
    for row in source.resources["customers"]:
        write(orjson.dumps(row))
        write(b"\n")


if __name__ == "__main__":
    main()
