"""A client that does what it is told and hides nothing of what it gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from tap_ycm.sandbox import Sandbox

CUSTOMERS = "/dm/open_api/v1/customers"
TOKEN = "/dm/open_api/oauth/token"  # noqa: S105 - a path


class RawClient:
    """Requests as a client makes them, without retries or checks."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy of the machine may step in
        self.access = ""

    def grant(self, **form: str) -> requests.Response:
        """Ask for a token; form fields replace those of a right request."""
        right = {
            "grant_type": "client_credentials",
            "client_id": self.sandbox.client_id,
            "client_secret": self.sandbox.client_secret,
        }
        return self.session.post(self.sandbox.url + TOKEN, data=right | form, timeout=5)

    def refresh(self, token: str) -> requests.Response:
        """Use a refresh token, with the documented parameters only."""
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return self.session.post(self.sandbox.url + TOKEN, data=form, timeout=5)

    def get(
        self,
        path: str = CUSTOMERS,
        *,
        headers: dict[str, Any] | None = None,
        timeout: float = 5,
        **query: object,
    ) -> requests.Response:
        """Read with a token, which is asked for once."""
        if not self.access:
            self.access = self.grant().json()["access_token"]
        return self.session.get(
            self.sandbox.url + path,
            params={name: str(value) for name, value in query.items()},
            headers={"Authorization": f"Bearer {self.access}"} | (headers or {}),
            timeout=timeout,
            allow_redirects=False,
        )

    def page(self, **query: object) -> dict[str, Any]:
        """Return `data` of a successful page."""
        body = self.get(**query).json()  # type: ignore[arg-type] # query only
        assert body["status"] == "Success", body
        data: dict[str, Any] = body["data"]
        return data

    def ids(self, **query: object) -> list[int]:
        """Return the ids on a page."""
        return [row["customerId"] for row in self.page(**query)["list"]]
