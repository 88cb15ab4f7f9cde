"""What goes wrong on the way to YCM, in words of our own: those of the libraries hold addresses, and more."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from requests.utils import prepend_scheme_if_needed, select_proxy
from urllib3.exceptions import HTTPWarning, LocationParseError, ReadTimeoutError
from urllib3.util import parse_url

from tap_ycm.errors import Action, TapError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CONNECT_TIMEOUT",
    "MOST_BYTES",
    "ProxyLoginError",
    "TooMuchError",
    "check_bundle",
    "check_proxy",
    "describe",
    "silence",
]

CONNECT_TIMEOUT = 15.0
"""Seconds to connect, and as many again to come through a proxy and to agree on TLS."""

MOST_BYTES = 64 * 2**20
"""The most that one answer may hold. A page of 50 customers has some 20 kB."""


class ProxyLoginError(Exception):
    """A proxy wants to know who asks."""


class TooMuchError(Exception):
    """An answer is larger than any page can be."""


def check_bundle(path: str | bool | None, name: str) -> None:  # noqa: FBT001 - as requests has it
    """Refuse a bundle of certificates that cannot be used: later it would look like a fault of YCM.

    Args:
        path: Its file or folder; requests knows True and None too.
        name: Where the path was set.

    Raises:
        TapError: It is no file of certificates.
    """
    if isinstance(path, str) and not Path(path).is_dir():
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        except OSError:
            sentence = f"{name} must name a file of certificates (PEM)"
            raise TapError(sentence) from None


def check_proxy(base_url: str, proxies: Mapping[str, str]) -> str:
    """Refuse the address of a proxy that cannot be used: later it would look like a fault of YCM.

    Args:
        base_url: What is asked through the proxy, if there is one.
        proxies: The proxies as requests has resolved them.

    Returns:
        The environment variable that names the proxy; what to call it if there is none.

    Raises:
        TapError: It is no address of a proxy.
    """
    kinds = (f"{urlsplit(base_url).scheme}_proxy", "all_proxy")
    set_here = (name for kind in kinds for name in (kind, kind.upper()) if os.environ.get(name))
    variable = next(set_here, "the settings of this machine")
    if proxy := select_proxy(base_url, proxies):
        try:
            url = parse_url(prepend_scheme_if_needed(proxy, "http"))  # type: ignore[no-untyped-call]
        except (ValueError, LocationParseError):  # whose text quotes it, a password included
            url = parse_url("")
        schemes = {"http", "https"} | ({"socks4", "socks4a", "socks5", "socks5h"} if find_spec("socks") else set())
        if url.scheme not in schemes or not url.host:
            sentence = f"the proxy of {variable} must be an address like http://proxy.example.com:3128"
            raise TapError(sentence)
    return variable


def silence() -> None:
    """Let the libraries log and warn of nothing: their lines hold addresses, headers and cookies."""
    for name in ("http.cookiejar", *logging.root.manager.loggerDict):
        if name.partition(".")[0] in {"http", "requests", "urllib3"}:
            logging.getLogger(name).disabled = True  # whatever level somebody has set
    warnings.filterwarnings("ignore", category=HTTPWarning)
    warnings.filterwarnings("ignore", message="http.cookiejar bug!")


def describe(error: Exception, base_url: str, timeout: int, proxy: str) -> tuple[str, Action, bool]:
    """Say what went wrong on the way, what to do about it, and whether every request meets it.

    Args:
        error: What requests, urllib3 or the reading of an answer raised.
        base_url: What was asked.
        timeout: Seconds that a whole answer may take.
        proxy: What names the proxy, as :func:`check_proxy` returns it.
    """
    causes: list[BaseException] = [error]
    while len(causes) < 10 and (cause := causes[-1].__cause__ or causes[-1].__context__ or _wrapped(causes[-1])):
        causes.append(cause)
    certificate = next((cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), None)
    why = certificate and certificate.verify_message
    troubles = (
        (
            certificate is not None,
            f"the certificate of {base_url} is refused ({why}): if it is of a private CA, set ca_bundle to its file",
            Action.FAIL,
            True,
        ),
        (
            isinstance(error, requests.exceptions.SSLError),
            f"{base_url} does not speak TLS as it should: check base_url and any proxy in between",
            Action.FAIL,
            True,
        ),
        (
            isinstance(error, requests.exceptions.InvalidProxyURL | requests.exceptions.InvalidSchema),
            f"the proxy of {proxy} is no address that can be used: check the variable",
            Action.FAIL,
            True,
        ),
        (
            isinstance(error, requests.exceptions.InvalidURL | LocationParseError),
            f"{base_url} is not an address that can be asked: check base_url",
            Action.FAIL,
            True,
        ),
        (
            isinstance(error, TooMuchError),
            f"the answer is larger than {MOST_BYTES // 2**20} MiB: check that base_url is your YCM",
            Action.FAIL,
            False,
        ),
        (
            isinstance(error, ProxyLoginError)
            or any(str(cause).startswith("Tunnel connection failed: 407") for cause in causes),
            f"the proxy of {proxy} wants another user and password: check the variable",
            Action.FAIL,
            True,
        ),
        (
            isinstance(error, requests.exceptions.ProxyError),
            f"the proxy of {proxy} cannot be used: check the variable and the proxy",
            Action.RETRY,
            True,
        ),
        (
            isinstance(error, requests.ConnectTimeout),
            f"no connection to {base_url} within {CONNECT_TIMEOUT:.0f} s: check base_url, firewall and proxy",
            Action.RETRY,
            True,
        ),
        (
            isinstance(error, requests.Timeout | TimeoutError | ReadTimeoutError),
            f"no whole answer within {timeout} s (setting request_timeout)",
            Action.RETRY,
            False,
        ),
        (
            any(isinstance(cause, socket.gaierror) for cause in causes),
            f"the host name of {base_url} cannot be resolved: check base_url and the network",
            Action.RETRY,
            True,
        ),
        (
            any(isinstance(cause, ConnectionRefusedError) for cause in causes),
            f"nothing listens at {base_url}: check base_url and the network",
            Action.RETRY,
            True,
        ),
        (True, f"the connection broke ({type(error).__name__}): check the network and any proxy", Action.RETRY, False),
    )
    return next((sentence, action, everywhere) for applies, sentence, action, everywhere in troubles if applies)


def _wrapped(error: BaseException) -> Exception | None:
    """Return what an error of urllib3 or requests wraps without chaining it."""
    inner = getattr(error, "reason", None) or (error.args[0] if error.args else None)
    return inner if isinstance(inner, Exception) else None
