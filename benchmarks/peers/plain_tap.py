"""The tap that a competent person writes in an afternoon with the SDK: no special order of pages, no checks.

python plain_tap.py --config config.json
"""

from __future__ import annotations

import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import OAuthAuthenticator
from singer_sdk.pagination import PageNumberPaginator

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from requests import Response
    from singer_sdk.helpers.types import Context

_SIZE = 50


class PlainAuthenticator(OAuthAuthenticator):
    """Client credentials for a bearer token."""

    @property
    @override
    def oauth_request_body(self) -> dict[str, Any]:
        return {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }


class PlainPaginator(PageNumberPaginator):
    """Pages 1, 2, 3, ... as far as the total reaches."""

    @override
    def has_more(self, response: Response) -> bool:
        return self.current_value * _SIZE < int(response.json()["data"]["total"])


class PlainCustomers(RESTStream[int]):
    """The customers."""

    key = "customerId"
    name = "customers"
    path = "/v1/customers"
    records_jsonpath = "$.data.list[*]"
    schema_filepath = Path(__file__).resolve().parents[2] / "schemas" / "customers.json"

    def __init__(self, tap: Tap) -> None:
        """Declare the stream."""
        super().__init__(tap)
        self.primary_keys = (self.key,)

    @property
    @override
    def url_base(self) -> str:
        return f"{self.config['base_url']}/dm/open_api"

    @cached_property
    @override
    def authenticator(self) -> PlainAuthenticator:
        return PlainAuthenticator(
            auth_endpoint=f"{self.url_base}/oauth/token",
            client_id=self.config["client_id"],
            client_secret=self.config["client_secret"],
        )

    @override
    def get_new_paginator(self) -> PlainPaginator:
        return PlainPaginator(1)

    @override
    def get_url_params(self, context: Context | None, next_page_token: int | None) -> dict[str, Any]:
        return {"pageNumber": next_page_token, "pageSize": _SIZE, "sort": self.key}


class PlainTap(Tap):
    """The tap."""

    name = "plain-tap"
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("base_url", th.StringType, required=True),
        th.Property("client_id", th.StringType, required=True),
        th.Property("client_secret", th.StringType, required=True, secret=True),
    ).to_dict()

    @override
    def discover_streams(self) -> list[PlainCustomers]:
        return [PlainCustomers(self)]


if __name__ == "__main__":
    PlainTap.cli()
