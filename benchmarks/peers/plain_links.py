"""The plain SDK tap with a parent stream and its children: customers, PBXs, and what belongs to each PBX.

python plain_links.py --config config.json
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from plain_tap import PlainCustomers, PlainPaginator, PlainTap

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable

    from requests import Response
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

_SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


class OnePage(PlainPaginator):
    """One answer has all there is."""

    @override
    def has_more(self, response: Response) -> bool:
        return False


class CloudPBXs(PlainCustomers):
    """The cloud PBXs."""

    name = "cloud_pbxs"
    path = "/v2/cloud_pbx/instances"
    schema_filepath = _SCHEMAS / "cloud_pbxs.json"
    key = "cloudPbxId"

    @override
    def get_child_context(self, record: Record, context: Context | None) -> Context:
        return {"cloudPbxId": record["cloudPbxId"]}


class _Linked(PlainCustomers):
    """The ids of what belongs to one PBX."""

    parent_stream_type = CloudPBXs
    column: ClassVar[str]

    def __init__(self, tap: Tap) -> None:
        """Declare the stream."""
        super().__init__(tap)
        self.primary_keys = ("cloudPbxId", self.column)

    @override
    def get_new_paginator(self) -> OnePage:
        return OnePage(1)

    @override
    def get_url_params(self, context: Context | None, next_page_token: int | None) -> dict[str, Any]:
        return {}

    @override
    def parse_response(self, response: Response) -> Iterable[dict[str, Any]]:
        return ({self.column: one} for one in super().parse_response(response))


class CloudPBXCustomers(_Linked):
    """The customers of each PBX."""

    name = "cloud_pbx_customers"
    path = "/v1/cloud_pbx/instances/{cloudPbxId}/customers"
    records_jsonpath = "$.data.customerIds[*]"
    schema_filepath = _SCHEMAS / "cloud_pbx_customers.json"
    column = "customerId"


class CloudPBXTrunks(_Linked):
    """The trunks of each PBX."""

    name = "cloud_pbx_trunks"
    path = "/v1/shared_trunk/pbx/used"
    records_jsonpath = "$.data.sharedTrunkIds[*]"
    schema_filepath = _SCHEMAS / "cloud_pbx_trunks.json"
    column = "trunkId"

    @override
    def get_url_params(self, context: Context | None, next_page_token: int | None) -> dict[str, Any]:
        return {"cloudPbxId": (context or {})["cloudPbxId"]}


class PlainLinksTap(PlainTap):
    """The tap."""

    @override
    def discover_streams(self) -> list[PlainCustomers]:
        return [one(self) for one in (PlainCustomers, CloudPBXs, CloudPBXCustomers, CloudPBXTrunks)]


if __name__ == "__main__":
    PlainLinksTap.cli()
