"""The benchmark measures what it says: its server serves each customer once, the tap asks as often as promised."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests
from urllib3.util import SKIP_HEADER

from benchmarks.account import serving_all
from benchmarks.benchmark import README
from benchmarks.reading import Output, asked_for, serving
from benchmarks.report import Goal, Table, goals_table, highlights_table, marked, with_marked
from benchmarks.rounds import Usage, middle, ratio, spread
from benchmarks.sections.requests import due_of, lanes_of
from benchmarks.sections.streams import due_of_all
from benchmarks.server import CLIENT_ID, CLIENT_SECRET, customer_ids, filled_fields
from tap_ycm.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Run


def session_with_token(base_url: str) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    answer = session.post(f"{base_url}/dm/open_api/oauth/token", data=form, timeout=5).json()
    session.headers["Authorization"] = f"Bearer {answer['access_token']}"
    return session


@pytest.mark.parametrize("sort", ["customerId", "-customerId"])
def test_the_server_serves_every_customer_once(sort: str) -> None:
    with serving((7, 0), (120, 0)) as (_, base_url), session_with_token(base_url) as session:
        rows = []
        for number in (1, 2, 3, 4):
            query = {"pageNumber": str(number), "pageSize": "1000", "sort": sort}
            data = session.get(f"{base_url}/dm/open_api/v1/customers", params=query, timeout=5).json()["data"]
            assert (data["total"], data["pageNumber"], data["pageSize"]) == (120, number, 50)
            rows += data["list"]
        told = asked_for(base_url)
        assert asked_for(base_url).requests == 0
    assert [row["customerId"] for row in rows] == sorted(customer_ids(120), reverse=sort.startswith("-"))
    assert Output.of(json.dumps(row).encode() for row in rows).problem(120) is None
    assert (told.requests, told.tokens, told.connections, told.most_in_flight) == (4, 1, 1, 1)
    assert (told.look_ups, told.deleted) == (0, [])


def read_ascending(session: requests.Session, base_url: str, pages: int) -> list[dict[str, Any]]:
    rows = []
    for number in range(1, pages + 1):
        query = {"pageNumber": str(number), "pageSize": "50", "sort": "customerId"}
        rows += session.get(f"{base_url}/dm/open_api/v1/customers", params=query, timeout=5).json()["data"]["list"]
    return rows


def test_the_server_deletes_evenly_and_brings_all_back() -> None:
    with serving((500, 0)) as (base_url,), session_with_token(base_url) as session:
        address = f"{base_url}/dm/open_api/v1/customers"
        readings = []
        for _ in range(2):
            asked_for(base_url, deletions=3)
            totals = []
            for number in range(1, 11):
                query = {"pageNumber": str(number), "pageSize": "50", "sort": "-customerId"}
                totals.append(session.get(address, params=query, timeout=5).json()["data"]["total"])
            assert totals == [500, 500, 500, 499, 499, 498, 498, 498, 497, 497]
            assert session.get(address, params=query, timeout=5).json()["data"]["total"] == 497
            readings.append(asked_for(base_url).deleted)
        again = session.get(address, params=query, timeout=5).json()["data"]["total"]
    assert readings[0] == readings[1]
    assert sorted(customer_ids(500).index(number) * 3 // 500 for number in readings[0]) == [0, 1, 2]
    assert again == 500


def test_the_server_answers_for_one_customer_at_a_time() -> None:
    with serving((100, 0)) as (base_url,), session_with_token(base_url) as session:
        asked_for(base_url, deletions=1)
        rows = read_ascending(session, base_url, 2)
        (deleted,) = asked_for(base_url, deletions=1).deleted
        read_ascending(session, base_url, 2)

        def look_up(customer: int) -> dict[str, Any]:
            answer: dict[str, Any] = session.get(f"{base_url}/dm/open_api/v1/customers/{customer}", timeout=5).json()
            return answer

        lives, gone, never = look_up(rows[-1]["customerId"]), look_up(deleted), look_up(customer_ids(101)[-1])
        told = asked_for(base_url)
        back = look_up(deleted)
    assert (lives["status"], lives["data"]) == ("Success", rows[-1])
    assert [answer["errCode"] for answer in (gone, never)] == [1000005, 1000005]
    assert (told.requests, told.look_ups) == (2, 3)
    assert back["data"]["customerId"] == deleted


def test_who_reads_upwards_misses_customers_and_is_told_so() -> None:
    with serving((500, 0)) as (base_url,), session_with_token(base_url) as session:
        asked_for(base_url, deletions=3)
        output = Output.of(json.dumps(row).encode() for row in read_ascending(session, base_url, 10))
        deleted = asked_for(base_url).deleted
    missed = output.missed(500, deleted)
    assert missed
    assert not missed & set(deleted)
    assert output.problem(500, deleted, certain=False) is None
    sentence = f"{len(output.ids)} rows, {len(output.ids)} different ones, are not the 500 customers but for 3"
    assert str(output.problem(500, deleted)).startswith(sentence)


@pytest.mark.parametrize(
    ("headers", "status"), [({"User-Agent": SKIP_HEADER}, 403), ({"Authorization": "Bearer of news"}, 401)]
)
def test_the_server_refuses_who_does_not_ask_properly(headers: dict[str, str], status: int) -> None:
    with serving((7, 0)) as (base_url,), session_with_token(base_url) as session:
        query = {"pageNumber": "1", "pageSize": "50"}
        address = f"{base_url}/dm/open_api/v1/customers"
        assert session.get(address, params=query, timeout=5).status_code == 200
        assert session.get(address, params=query, headers=headers, timeout=5).status_code == status


@pytest.mark.parametrize(
    ("customers", "concurrency", "due"),
    [
        *((customers, concurrency, 3) for customers in (120, 100) for concurrency in (1, 4, 8)),
        (1_520, 1, 31),
        (1_520, 2, 32),  # two lanes
        (1_520, 8, 33),  # three lanes: more are not worth their requests
    ],
)
def test_the_tap_asks_for_as_many_pages_as_it_must(
    tap: Callable[..., Run], customers: int, concurrency: int, due: int
) -> None:
    with serving((customers, 5)) as (base_url,):
        settings = {"base_url": base_url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        run = tap(config={**settings, "concurrency": concurrency})
        told = asked_for(base_url)
    assert run.status == 0, run.log
    assert Output.of(run.stdout.encode().splitlines()).problem(customers) is None
    assert due == due_of(customers, concurrency)
    assert (told.requests, told.tokens) == (due, 1)
    assert told.most_in_flight <= concurrency


@pytest.mark.parametrize("concurrency", [1, 4])
def test_the_tap_misses_nobody_while_customers_are_deleted(tap: Callable[..., Run], concurrency: int) -> None:
    customers = 1_520
    with serving((customers, 2)) as (base_url,):
        settings = {"base_url": base_url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        config = {**settings, "concurrency": concurrency, "emit_activate_version_messages": True}
        first = tap(config=config)
        assert first.status == 0, first.log
        asked_for(base_url, deletions=20)
        run = tap(config=config, state=first.state)
        told = asked_for(base_url)
    assert run.status == 0, run.log
    output = Output.of(run.stdout.encode().splitlines())
    assert output.activated
    assert output.problem(customers, told.deleted) is None
    assert 20 - 1 <= len(told.deleted) <= 20
    assert told.requests <= due_of(customers, concurrency) + 2 * lanes_of(customers, concurrency)
    assert 0 < told.look_ups <= 20


@pytest.mark.parametrize(
    ("rows", "noticed"),
    [
        ([1, 2, 3], None),
        ([3, 1, 2], None),
        ([1, 2], "2 rows, 2 different ones, are not the 3 customers"),
        ([1, 2, 3, 3], "4 rows, 3 different ones, are not the 3 customers"),
        ([1, 2, 4], "3 rows, 3 different ones, are not the 3 customers"),
    ],
)
def test_the_check_notices_what_is_missing_or_comes_twice(rows: list[int], noticed: str | None) -> None:
    with serving((4, 0)) as (base_url,), session_with_token(base_url) as session:
        query = {"pageNumber": "1", "pageSize": "50"}
        answer = session.get(f"{base_url}/dm/open_api/v1/customers", params=query, timeout=5).json()
    served = answer["data"]["list"]
    lines = [json.dumps({"type": "RECORD", "record": served[number - 1]}).encode() for number in rows]
    assert Output.of([b'{"type":"STATE"}', *lines]).problem(3) == noticed


def test_the_tap_asks_for_every_stream_as_often_as_it_must(tap: Callable[..., Run]) -> None:
    names = [kind.name for kind in STREAMS]
    with serving_all(120, {"cloud_pbxs": 60, "dids": 70}, 0) as account:
        rows = {name: account.rows(name) for name in names}
        settings = {"base_url": account.base_url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        run = tap(config=settings, catalog="all")
        asked = account.asked()
        lines = run.stdout.encode().splitlines()
        last = max(place for place, line in enumerate(lines) if line.startswith(b'{"type":"RECORD","stream":"dids"'))
        assert account.problem(names, lines) is None
        lost = account.problem(names, lines[:last] + lines[last + 1 :])
        doubled = account.problem(names, [*lines, lines[last]])
    assert run.status == 0, run.log
    assert asked.pop("token") == 1
    assert {name: asked["group" if name == "group_members" else name] for name in names} == {
        kind.name: due_of_all(kind, rows, 8) for kind in STREAMS
    }
    assert asked.total() == sum(due_of_all(kind, rows, 8) for kind in STREAMS)
    assert lost == "dids: 69 rows, 69 different ones, are not the 70 served"
    assert doubled == "dids: 71 rows, 70 different ones, are not the 70 served"


def test_the_check_notices_a_customer_that_was_never_there() -> None:
    ids = [*customer_ids(4)]
    output = Output(ids, fields=filled_fields(ids), activated=False)
    assert output.problem(4, certain=False) is None
    assert output.problem(3, certain=False) is not None


@pytest.mark.parametrize(("kind", "activated"), [("ACTIVATE_VERSION", True), ("STATE", False)])
def test_the_check_notices_whether_deletes_were_withheld(kind: str, activated: bool) -> None:  # noqa: FBT001 - a column
    assert Output.of([json.dumps({"type": kind}).encode()]).activated == activated


def test_the_check_notices_a_lost_field() -> None:
    row = {"customerId": customer_ids(1)[0], "firstName": "Leo", "lastName": None}
    message = {"type": "RECORD", "record": {"stream": "customers", "data": row}}  # as Airbyte writes it
    assert str(Output.of([json.dumps(message).encode()]).problem(1)).startswith("2 fields are filled, not 1")


def test_ratios_are_taken_within_a_round() -> None:
    mine = [Usage(1, 2, 3), Usage(40, 2, 3), Usage(3, 2, 3)]
    others = [Usage(2, 2, 3), Usage(40, 2, 3), Usage(12, 2, 3)]
    assert middle(mine, "wall") == 3
    assert ratio(mine, others, "wall") == 0.5
    assert spread(others, "wall") == 19


def test_a_table_is_markdown_and_takes_its_place_in_the_readme() -> None:
    table = Table("Title", ("client", "s"), [("a", "1.0"), ("b", "2.0")], "Note.")
    assert table.section() == "### Title\n\n| client | s |\n| --- | ---: |\n| a | 1.0 |\n| b | 2.0 |\n\nNote."
    columns = {"s": {"a": "1"}, "MB": {"a": "2", "b": "3"}}
    assert highlights_table(["a", "b"], columns).splitlines()[2:] == ["| a | 1 | 2 |", "| b |  | 3 |"]
    readme = README.read_text(encoding="utf-8")
    for new in ("", r"| a \n new | one |", table.markdown()):
        assert marked(with_marked(readme, new)) == new
        assert with_marked(with_marked(readme, new), marked(readme)) == readme
    with pytest.raises(ValueError, match="once each"):
        marked(readme + "\n" + readme)


@pytest.mark.parametrize(("reached", "met"), [(1.0, True), (1.254, True), (1.256, False)])
def test_a_goal_that_is_not_met_says_so(reached: float, met: bool) -> None:  # noqa: FBT001 - a column of the table
    goal = Goal.at_most(1.25, reached, "what")
    assert goal.met == met
    assert ("**not met**" in goals_table([goal])) == (not met)
