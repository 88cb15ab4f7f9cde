"""The least a Python program can do: one session of `requests`, orjson, no checks, no retries.

    python floor.py config.json [REQUESTS_IN_FLIGHT]

With more than one in flight a pool of threads asks ahead, and the pages are written in their order all the same.
"""

from __future__ import annotations

import json
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import requests
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_SIZE = 50
_TIMEOUT = 120


def main() -> None:
    """Read the list and write it."""
    config = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    in_flight = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    api = f"{config['base_url']}/dm/open_api"
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=in_flight))
    form = {"grant_type": "client_credentials", **{name: config[name] for name in ("client_id", "client_secret")}}
    token = session.post(f"{api}/oauth/token", data=form, timeout=_TIMEOUT).json()["access_token"]
    session.headers["Authorization"] = f"Bearer {token}"

    def page(number: int) -> dict[str, Any]:
        query = {"pageNumber": str(number), "pageSize": str(_SIZE), "sort": "customerId"}
        answer = session.get(f"{api}/v1/customers", params=query, timeout=_TIMEOUT)
        answer.raise_for_status()
        data: dict[str, Any] = orjson.loads(answer.content)["data"]
        return data

    first = page(1)
    _write(first)
    numbers = range(2, -(-first["total"] // _SIZE) + 1)
    for data in map(page, numbers) if in_flight == 1 else _ahead(page, numbers, in_flight):
        _write(data)


def _ahead(page: Callable[[int], dict[str, Any]], numbers: Iterable[int], in_flight: int) -> Iterator[dict[str, Any]]:
    """Yield the pages in order, with so many requests in flight."""
    waiting = iter(numbers)
    with ThreadPoolExecutor(in_flight) as pool:
        window = deque(pool.submit(page, number) for number in islice(waiting, 2 * in_flight))
        while window:
            data = window.popleft().result()
            window.extend(pool.submit(page, number) for number in islice(waiting, 1))
            yield data


def _write(data: dict[str, Any]) -> None:
    write = sys.stdout.buffer.write
    for row in data["list"]:
        write(orjson.dumps({"type": "RECORD", "stream": "customers", "record": row}))
        write(b"\n")


if __name__ == "__main__":
    main()
