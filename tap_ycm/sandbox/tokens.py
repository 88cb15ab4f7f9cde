"""Access and refresh tokens as YCM issues them.

Sources: request-access-token, refresh-access-token, authorization-rules. The
tokens have the structure of the vendor's sample JWTs (HS256), but no client needs
to look inside: the sandbox itself recognises them by their text.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import threading
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_ycm.sandbox.errors import INVALID_TOKEN, TOKEN_EXPIRED

if TYPE_CHECKING:
    from tap_ycm.sandbox.assumptions import Assumptions

_YS_ID = 12_345_678_901_234_567_890
"""The account in every token; 20 digits, above 2^63, as in the vendor's sample."""


@dataclass(slots=True)
class _Refresh:
    """What is remembered of a refresh token."""

    expires: float
    client_secret: str


@dataclass(slots=True)
class _Used:
    """What was done with an access token: since when it is there, and how often it was shown."""

    since: float
    shown: int = 0


class Tokens:
    """The live tokens of one client. Safe to use from any thread."""

    def __init__(self) -> None:
        """Start with no token issued."""
        self.issued = 0
        self._lock = threading.Lock()
        self._access: dict[str, float] = {}
        self._used: dict[str, _Used] = {}
        self._refresh: dict[str, _Refresh] = {}
        self._version = 0  # the time of the last revocation, Unix seconds

    def issue(self, client_id: str, client_secret: str, grant: str, assumptions: Assumptions) -> dict[str, Any]:
        """Return the body of a token answer, which is not wrapped in an envelope.

        `expires_in` is the whole seconds that remain when the answer arrives: 1799
        for a life of 1800.
        """
        now = time.time()
        life = assumptions.token_life
        jti = str(uuid.uuid4())
        claims: dict[str, Any] = {
            "customJwtPayloadInfo": {
                "grantType": grant,
                "ysId": _YS_ID,
                "refreshVersion": int(now),
            },
            "scope": ["all"],
            "exp": int(now + life),
            "authorities": ["ROLE_CLIENT"],
            "jti": jti,
            "client_id": client_id,
        }
        if self._version:
            claims["customJwtPayloadInfo"]["version"] = self._version
        again = {
            **claims,
            "ati": jti,
            "jti": str(uuid.uuid4()),
            "exp": int(now + assumptions.refresh_life),
        }
        access = _jwt(claims, client_secret)
        refresh = _jwt(again, client_secret)
        with self._lock:
            if assumptions.one_token:
                self._access.clear()
            self.issued += 1
            self._access[access] = now + life
            self._used[access] = _Used(now)
            self._refresh[refresh] = _Refresh(now + assumptions.refresh_life, client_secret)
        return {
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "bearer",
            "expires_in": max(math.ceil(life) - 1, 0),
            "jti": jti,
        }

    def check(self, access: str) -> int | None:
        """Return None for a live access token, else the error code."""
        with self._lock:
            expires = self._access.get(access)
        if expires is None:
            return INVALID_TOKEN
        return None if time.time() < expires else TOKEN_EXPIRED

    def use(self, access: str, assumptions: Assumptions) -> int | None:
        """As `check`, for an access token that somebody shows; how new and how used it is counts, too."""
        code = self.check(access)
        if code is None:
            with self._lock:
                used = self._used[access]
                used.shown += 1
                shown, age = used.shown, time.time() - used.since
            if age < assumptions.token_delay or shown <= assumptions.token_refusals:
                code = INVALID_TOKEN
            elif assumptions.token_uses is not None and shown > assumptions.token_uses + assumptions.token_refusals:
                code = TOKEN_EXPIRED
        return code

    def use_refresh(self, refresh: str, client_secret: str, *, rotates: bool) -> int | None:
        """Return None for a refresh token that may be used, else the error code.

        One that was issued under another secret is dead, as is a used one if they
        rotate.
        """
        with self._lock:
            known = self._refresh.get(refresh)
            if known is None or known.client_secret != client_secret:
                return INVALID_TOKEN
            if time.time() >= known.expires:
                return TOKEN_EXPIRED
            if rotates:
                del self._refresh[refresh]
            return None

    def revoke(self) -> int:
        """Kill every refresh token and return when, in Unix seconds.

        Access tokens live on until they expire: the vendor says only that the
        refresh token is revoked.
        """
        with self._lock:
            self._refresh.clear()
            self._version = int(time.time())
            return self._version

    def expire(self) -> int:
        """Make every access token expire now and return how many were alive."""
        now = time.time()
        with self._lock:
            alive = [one for one, expires in self._access.items() if expires > now]
            self._access.update(dict.fromkeys(alive, now))
            return len(alive)


def _jwt(claims: dict[str, Any], key: str) -> str:
    head = _base64({"alg": "HS256", "typ": "JWT"})
    signed = f"{head}.{_base64(claims)}"
    signature = hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_unpadded(signature)}"


def _base64(value: dict[str, Any]) -> str:
    return _unpadded(json.dumps(value, separators=(",", ":")).encode())


def _unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
