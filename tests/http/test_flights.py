"""Several requests in flight: the bound, the threads, the errors, the end; and single objects asked for by key."""

from __future__ import annotations

import json
import logging
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from harness import settings_for

from tap_ycm.errors import ERRORS, ApiError
from tap_ycm.http.answers import parse_object
from tap_ycm.http.client import Client
from tap_ycm.http.flights import THREADS, Flights
from tap_ycm.http.questions import Listing, object_of, page_of
from tap_ycm.reading.pages import PageRequest
from tap_ycm.sandbox import Assumptions, Sandbox, World
from tap_ycm.settings import Settings
from tap_ycm.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 30.0
CUSTOMERS = Listing("/v1/customers", "customerId", look_up="/v1/customers/{key}")
WHERE = "GET /dm/open_api/v1/customers/{customerId}"


class Asking:
    """What is asked: remembers everything, and holds back what it is told to."""

    def __init__(self, *held: int) -> None:
        self.asked: list[int] = []
        self.threads: set[int] = set()
        self.most_at_once = 0
        self._held = set(held)
        self._now = 0
        self._changed = threading.Condition()

    def __call__(self, question: int) -> int:
        with self._changed:
            self.asked.append(question)
            self.threads.add(threading.get_ident())
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: question not in self._held, PATIENCE)
            self._now -= 1
        if question < 0:
            raise KeyError(question)
        return 10 * question

    def release(self, *questions: int) -> None:
        with self._changed:
            self._held.difference_update(questions)
            self._changed.notify_all()

    def wait_until_asked(self, *questions: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: set(questions) <= set(self.asked), PATIENCE)


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == THREADS]


def assert_the_threads_end() -> None:
    for thread in threads():
        thread.join(PATIENCE)
    assert not threads()


def begin(flights: Flights[int, int], *questions: int) -> None:
    for question in questions:
        flights.begin(str(question), question)


def test_answers_come_as_they_arrive_each_with_its_tag() -> None:
    asking = Asking(1, 2, 3)
    flights = Flights(asking, 3)
    begin(flights, 1, 2, 3)
    asking.wait_until_asked(1, 2, 3)
    for question in (2, 3, 1):
        asking.release(question)
        assert flights.next() == (str(question), 10 * question)
    flights.close()
    assert_the_threads_end()


def test_any_number_is_queued_and_only_so_many_are_in_flight() -> None:
    asking = Asking(*range(3))
    flights = Flights(asking, 3)
    begin(flights, *range(40))
    asking.wait_until_asked(0, 1, 2)
    assert len(threads()) == 3
    assert sorted(asking.asked) == [0, 1, 2]
    asking.release(0, 1, 2)
    assert sorted(flights.next()[1] for _ in range(40)) == [10 * question for question in range(40)]
    assert asking.most_at_once == 3
    flights.close()
    assert_the_threads_end()


def test_what_is_begun_later_is_asked_too() -> None:
    asking = Asking()
    flights = Flights(asking, 4)
    for question in range(20):
        begin(flights, question)
        assert flights.next() == (str(question), 10 * question)
    assert len(asking.threads) == 1  # one at a time needs one thread
    flights.close()
    assert_the_threads_end()


def test_a_single_place_asks_on_the_caller_s_thread_in_order_and_only_when_an_answer_is_wanted() -> None:
    asking = Asking()
    flights = Flights(asking, 1)
    begin(flights, 5, 4, 6)
    assert asking.asked == []
    assert [flights.next() for _ in range(3)] == [("5", 50), ("4", 40), ("6", 60)]
    assert asking.asked == [5, 4, 6]
    assert asking.threads == {threading.get_ident()}
    assert not threads()
    flights.close()


@pytest.mark.parametrize("in_flight", [1, 2])
def test_an_error_is_raised_where_the_answer_is_wanted(in_flight: int) -> None:
    asking = Asking()
    flights = Flights(asking, in_flight)
    begin(flights, -1)
    with pytest.raises(KeyError):
        flights.next()
    begin(flights, 2)  # the threads have survived it
    assert flights.next() == ("2", 20)
    flights.close()
    assert_the_threads_end()


@pytest.mark.parametrize("in_flight", [1, 2])
def test_who_wants_more_answers_than_there_are_questions_does_not_wait_for_ever(in_flight: int) -> None:
    flights = Flights(Asking(), in_flight)
    begin(flights, 1)
    flights.next()
    with pytest.raises(LookupError, match="no question"):
        flights.next()
    flights.close()
    assert_the_threads_end()


def test_closing_begins_nothing_more_and_ends_the_threads() -> None:
    asking = Asking(1, 2)
    flights = Flights(asking, 2)
    begin(flights, *range(1, 40))
    asking.wait_until_asked(1, 2)
    flights.close()  # without waiting for what is in flight
    assert len(threads()) == 2
    asking.release(1, 2)
    assert_the_threads_end()
    assert sorted(asking.asked) == [1, 2]


def test_the_threads_do_not_keep_python_from_ending() -> None:
    asking = Asking(1)
    flights = Flights(asking, 2)
    begin(flights, 1)
    asking.wait_until_asked(1)
    assert all(thread.daemon for thread in threads())
    asking.release(1)
    flights.close()
    assert_the_threads_end()


@pytest.mark.parametrize("in_flight", [1, 2])
def test_what_surrounds_the_waiting_does_and_nothing_else(in_flight: int) -> None:
    inside = False

    @contextmanager
    def waiting() -> Iterator[None]:
        nonlocal inside
        inside = True
        yield
        inside = False

    def ask(question: int) -> bool:
        return inside

    flights = Flights(ask, in_flight, waiting)
    flights.begin(1, 1)
    assert not inside
    answer = flights.next()
    assert not inside
    if in_flight == 1:
        assert answer == (1, True)
    flights.close()
    assert_the_threads_end()


# Single objects


def client_of(ycm: Sandbox, **settings: object) -> Client:
    return Client(Settings.of(settings_for(ycm, **settings)), logging.getLogger("tap-ycm"), Stop())


@contextmanager
def looking(customers: int = 37, *, options: dict[str, Any] | None = None, **settings: object) -> Iterator[Any]:
    """Start a sandbox; yield it, and what looks up keys."""
    with Sandbox(World.seeded(customers=customers, seed=7), **(options or {})) as ycm:
        client = client_of(ycm, **settings)

        def look_up(*keys: int) -> dict[int, Any]:
            with client.flights(partial(object_of, CUSTOMERS)) as flights:
                for key in keys:
                    flights.begin(key, key)
                return dict(flights.next() for _ in keys)  # type: ignore[misc]  # the tags are ints

        yield ycm, look_up
        client._session.close()
        assert_the_threads_end()


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.usefixtures("in_process")
def test_look_ups_tell_who_is_there_and_who_is_not(concurrency: int) -> None:
    with looking(concurrency=concurrency) as (ycm, look_up):
        ids = ycm.world.ids()
        gone = ids[3::5]
        for key in gone:
            ycm.world.delete(key)
        answers = look_up(*ids, 2**62, -5)
        assert {key for key, row in answers.items() if row is None} == {*gone, 2**62, -5}
        for key in set(ids) - set(gone):
            assert answers[key] == ycm.world.row(key)
        assert {request.endpoint for request in ycm.requests} == {"token", "customer"}
        assert len(ycm.requests) == 1 + len(ids) + 2


@pytest.mark.usefixtures("in_process")
def test_look_ups_obey_the_token_the_retries_and_the_bound_as_pages_do() -> None:
    faults = ["customer:2:expired_token", "customer:5:http=503", "customer:6:reset", "customer:9:error=1000040"]
    with looking(options={"faults": faults, "latency": 0.01}, concurrency=4) as (ycm, look_up):
        ids = ycm.world.ids()
        assert set(look_up(*ids)) == set(ids)
        assert sum(ycm.faults.fired.values()) == 4
        assert ycm.tokens_issued in {1, 2}  # one that has not worked yet has a second chance
        assert sum(request.endpoint == "customer" for request in ycm.requests) == len(ids) + 4
        assert 1 < ycm.max_in_flight <= 4


@pytest.mark.usefixtures("in_process")
def test_look_ups_are_paced() -> None:
    with looking(4, concurrency=4, max_requests_per_minute=600) as (ycm, look_up):
        look_up(*ycm.world.ids())
        arrived = sorted(request.at for request in ycm.requests)
        assert len(arrived) == 5
        assert arrived[-1] - arrived[0] >= 0.3  # 4 gaps of 0.1 s; the first request may have been a little late


@pytest.mark.parametrize("assumptions", [{}, {"error_http": "always_200"}, {"error_status_field": "Status"}], ids=str)
@pytest.mark.usefixtures("in_process")
def test_not_found_is_understood_in_every_shape(assumptions: dict[str, Any]) -> None:
    with looking(options={"assumptions": Assumptions(**assumptions)}) as (_, look_up):
        assert look_up(5) == {5: None}


@pytest.mark.parametrize(
    "fault", ["http=404", "http=403", "error=1000043", "error=1000004", "error=1000015", "http=410", "redirect"]
)
@pytest.mark.usefixtures("in_process")
def test_another_refusal_of_a_look_up_is_an_error_that_names_the_endpoint(fault: str) -> None:
    """Above all a web page with 404, which a proxy or a switched-off API answers for every key."""
    with looking(options={"faults": [f"customer:*:{fault}"]}) as (ycm, look_up):
        with pytest.raises(ApiError, match="answered") as caught:
            look_up(ycm.world.ids()[0])
        assert str(caught.value).startswith(f"{WHERE} answered ")
        assert str(ycm.world.ids()[0]) not in str(caught.value)


def test_a_look_up_that_waits_to_be_asked_again_gives_up_when_nobody_wants_it_any_more() -> None:
    """Its wait lasts for minutes, the budget for a day; the last try ends after the first wait."""
    with Sandbox(World.seeded(customers=3, seed=7), faults=["customer:*:http=503"]) as ycm:
        client = client_of(ycm, concurrency=2, retry_budget=86400)
        with client.flights(partial(object_of, CUSTOMERS)) as flights:
            flights.begin(1, 1)
        assert_the_threads_end()
        assert len(ycm.requests) <= 3
        client._session.close()


@pytest.mark.usefixtures("in_process")
def test_pages_come_as_they_arrive() -> None:
    with Sandbox(World.seeded(customers=95, seed=7)) as ycm:
        client = client_of(ycm, concurrency=4)
        with client.flights(partial(page_of, CUSTOMERS)) as flights:
            for number in range(1, 11):
                flights.begin(number, PageRequest(number, 10))
            pages = dict(flights.next() for _ in range(10))
        assert [key for number in range(1, 11) for key in pages[number].ids] == ycm.world.ids()
        client._session.close()
    assert_the_threads_end()


@pytest.mark.usefixtures("in_process")
def test_what_nobody_wants_any_more_keeps_its_place_while_it_is_in_flight() -> None:
    """Or YCM would have twice as many requests as it may have at a time."""
    with Sandbox(World.seeded(customers=95, seed=7)) as ycm:
        client = client_of(ycm, concurrency=4)
        client.ask(page_of(CUSTOMERS, PageRequest(1, 10)))
        ycm.latency = 0.5
        for wanted in (False, True):
            with client.flights(partial(page_of, CUSTOMERS)) as flights:
                for number in range(1, 5):
                    flights.begin(number, PageRequest(number, 10))
                deadline = time.monotonic() + PATIENCE
                while ycm.max_in_flight < 4 and time.monotonic() < deadline:
                    time.sleep(0.01)
                pages = [flights.next() for _ in range(4)] if wanted else []
        assert len(pages) == ycm.max_in_flight == 4
        client._session.close()
    assert_the_threads_end()


# What an answer about a single object means


def envelope(status: object = "Success", **members: object) -> bytes:
    return json.dumps({"status": status, "requestId": "abc", **members}).encode()


ROW = {"customerId": 7, "firstName": "Leo"}
NOT_FOUND = ERRORS[1000005]
GONE = {
    "the code": (envelope("Failed", errCode=1000005), 200),
    "the code with a fitting status": (envelope("Failed", errCode=1000005), 404),
    "the code as text": (envelope("Failed", code="1000005"), 200),
    "Failed and 404": (envelope("Failed"), 404),
    "an unknown code and 404": (envelope("failed", errCode=1999999), 404),
}
ERROR = {
    "another known code and 404": (envelope("Failed", errCode=1000043), 404),
    "a second, known code": (envelope("Failed", errCode=1000005, code=1000001), 404),
    "an unknown code": (envelope("Failed", errCode=1999999), 200),
    "Failed without a code": (envelope("Failed"), 200),
    "404 and Success": (envelope(data=ROW), 404),
    "404 as Spring has it": (b'{"timestamp":"now","status":404,"error":"Not Found","path":"/"}', 404),
    "404 and a web page": (b"<html></html>", 404),
    "404 and nothing": (b"", 404),
    "404 and a list": (b"[]", 404),
    "Success and the code": (envelope(errCode=1000005), 200),
    "Success and a code beside the object": (envelope(errCode=1000043, data=ROW), 200),
    "the code without an envelope": (b'{"errCode":1000005}', 200),
    "Success and null": (envelope(data=None), 200),
    "Success and nothing": (envelope(), 200),
    "Success and an empty object": (envelope(data={}), 200),
    "Success and a list of one": (envelope(data=[ROW]), 200),
    "another object": (envelope(data={"customerId": 8}), 200),
    "the key as text": (envelope(data={"customerId": "7"}), 200),
    "the key as a fraction": (envelope(data={"customerId": 7.0}), 200),
    "an unavailable server": (envelope("Failed", errCode=1000001), 503),
}


@pytest.mark.parametrize("name", GONE)
def test_what_means_not_found(name: str) -> None:
    assert parse_object(*GONE[name], WHERE, "customerId", 7) is None


@pytest.mark.parametrize("name", ERROR)
def test_what_does_not_mean_not_found(name: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_object(*ERROR[name], WHERE, "customerId", 7)
    assert str(caught.value).startswith(f"{WHERE} answered ")
    assert "\n" not in str(caught.value)


def test_the_object_that_was_asked_for_is_the_row() -> None:
    assert parse_object(envelope(data=ROW), 200, WHERE, "customerId", 7) == ROW


def test_true_is_not_the_object_1() -> None:
    with pytest.raises(ApiError, match="another object than asked for"):
        parse_object(envelope(data={"customerId": True}), 200, WHERE, "customerId", 1)
