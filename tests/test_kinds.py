"""What the vendor does not say of an answer: the kinds take either way."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from warehouse import KINDS

from tap_ycm.errors import ApiError
from tap_ycm.http.flights import Flights
from tap_ycm.kinds import Terms
from tap_ycm.reading.parents import Parents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_ycm.http.questions import Question

NOT_FOUND = {"status": "Failed", "errCode": 1000005}
REFUSED = {"status": "Failed", "errCode": 1000043}


class Asker:
    """Answers from a table: path to body."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers

    def ask(self, question: Question[Any]) -> Any:
        body = json.dumps(self.answers[question.path]).encode()
        return question.parse(body, 200, f"GET {question.name}", retry_after=None)

    @contextmanager
    def flights(self, question_of: Callable[[Any], Question[Any]]) -> Iterator[Flights[Any, Any]]:
        yield Flights(lambda one: self.ask(question_of(one)), 1)


def read(name: str, answers: dict[str, Any], *parents: int) -> tuple[str | None, list[dict[str, Any]]]:
    kind = KINDS[name]
    owner = KINDS[kind.parent] if kind.parent else None
    asker = Asker(answers)
    terms = Terms(
        size=50,
        in_flight=2,
        began=1_700_000_000,
        unread=lambda keys: list(range(len(keys))),
        parents=Parents(owner.name, parents) if owner else None,
        exists=(lambda key: owner.exists(asker, key)) if owner and owner.look_up else None,
    )
    reading = kind.reading(asker, terms)
    rows = [row for handout in reading.read() for row in handout.rows]
    return reading.flaw, rows


def success(data: object) -> dict[str, Any]:
    return {"status": "Success", "data": data}


def subscription(user: int) -> str:
    return f"/v1/users/{user}/subscription_info"


def test_a_colleague_may_have_no_subscription_of_his_own() -> None:
    answers = {subscription(1): NOT_FOUND, subscription(2): success({"totalExtensions": 5}), subscription(3): REFUSED}
    flaw, rows = read("user_subscriptions", answers, 1, 2, 3)
    assert flaw is None
    assert rows == [{"totalExtensions": 5, "userId": 2, "snapshotAt": 1_700_000_000}]


def test_subscriptions_that_are_refused_of_everybody_are_refused() -> None:
    with pytest.raises(ApiError, match="1000043"):
        read("user_subscriptions", {subscription(1): REFUSED, subscription(2): REFUSED}, 1, 2)
    denied = {"status": "Failed", "errCode": 1000042}
    with pytest.raises(ApiError, match="1000042"):  # that is said of the machine, not of a user
        read("user_subscriptions", {subscription(1): success({"totalExtensions": 5}), subscription(2): denied}, 1, 2)
    flaw, _ = read("user_subscriptions", {subscription(1): NOT_FOUND, subscription(2): NOT_FOUND}, 1, 2)
    assert flaw == "YCM finds nothing for any of the 2 users that it lists"


def test_links_that_are_not_found_of_a_pbx_that_exists_are_a_flaw() -> None:
    path, pbx = "/v1/cloud_pbx/instances/{}/customers", "/v1/cloud_pbx/instances/{}"
    answers = {
        path.format(1): success({"customerIds": [7, 7, 8]}),
        path.format(2): NOT_FOUND,
        pbx.format(2): success({"cloudPbxId": 2}),
    }
    flaw, rows = read("cloud_pbx_customers", answers, 1, 2)
    assert flaw == "YCM has one of the cloud_pbxs and does not find what belongs to it"
    assert [(row["cloudPbxId"], row["customerId"]) for row in rows] == [(1, 7), (1, 8)]
    flaw, _ = read("cloud_pbx_customers", answers | {pbx.format(2): NOT_FOUND}, 1, 2)
    assert flaw is None
    gone = answers | {pbx.format(2): NOT_FOUND}
    assert read("cloud_pbx_customers", gone, 2) == (None, [])  # the only one was deleted meanwhile
    flaw, _ = read("cloud_pbx_customers", gone | {path.format(3): NOT_FOUND}, 2, 3)
    assert flaw == "YCM finds nothing for any of the 2 cloud_pbxs that it lists"
    flaw, _ = read("cloud_pbx_customers", answers | {pbx.format(2): REFUSED}, 1, 2)
    assert flaw
    assert "could not be asked" in flaw


@pytest.mark.parametrize("data", [[{"id": 5}], {"list": [{"id": 5}]}])
def test_shared_trunks_come_as_an_array_or_in_an_object(data: object) -> None:
    assert read("shared_trunks", {"/v1/shared_trunk": success(data)}) == (None, [{"id": 5}])


@pytest.mark.parametrize("data", [None, "none", 5, {}, {"list": None}, {"list": {}}, [5], [None], {"other": []}])
def test_another_shape_is_never_taken_for_an_empty_list(data: object) -> None:
    with pytest.raises(ApiError, match=r"GET /v1/shared_trunk answered data of another shape than documented"):
        read("shared_trunks", {"/v1/shared_trunk": success(data)})


@pytest.mark.parametrize("row", [{}, {"id": None}, {"id": True}, {"id": 2**63}, {"id": 1.5}])
def test_a_row_without_a_sound_key_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="id is not a 64-bit integer"):
        read("shared_trunks", {"/v1/shared_trunk": success([row])})


def test_what_belongs_to_another_group_is_refused() -> None:
    with pytest.raises(ApiError, match="another shape"):
        read("group_members", {"/v1/groups/1": success({"id": 2, "selectedPbxList": [{"id": 5}]})}, 1)


def test_a_pbx_without_customers_may_leave_the_array_out() -> None:
    path = "/v1/cloud_pbx/instances/{}/customers"
    answers = {path.format(1): success({}), path.format(2): success({"customerIds": None})}
    assert read("cloud_pbx_customers", answers, 1, 2) == (None, [])
    with pytest.raises(ApiError, match="another shape"):
        read("cloud_pbx_customers", {path.format(1): success({"customers": [7], "more": 1})}, 1)


def test_a_part_of_a_list_is_never_taken_for_the_whole() -> None:
    page = {"pageNumber": 1, "pageSize": 1, "total": 2, "list": [{"id": 5}]}
    with pytest.raises(ApiError, match="answered 1 of 2 rows"):
        read("shared_trunks", {"/v1/shared_trunk": success(page)})
    assert read("shared_trunks", {"/v1/shared_trunk": success(page | {"total": 1})}) == (None, [{"id": 5}])


def test_members_of_a_group_are_devices_and_pbxs() -> None:
    answers = {
        "/v1/groups/1": success(
            {"id": 1, "selectedDeviceList": [{"id": 5, "name": "a", "sn": "s"}], "selectedPbxList": [{"id": 5}]}
        ),
        "/v1/groups/2": success({"id": 2, "selectedDeviceList": []}),
        "/v1/groups/3": success({"id": 3, "groupName": "nobody"}),
    }
    flaw, rows = read("group_members", answers, 1, 2, 3)
    assert flaw is None
    assert rows == [
        {"memberType": "device", "memberId": 5, "name": "a", "sn": "s", "groupId": 1},
        {"memberType": "cloud_pbx", "memberId": 5, "groupId": 1},
    ]
    for data in (success({}), success({"selectedDeviceList": {}}), success({"selectedPbxList": [5]})):
        with pytest.raises(ApiError, match="another shape"):
            read("group_members", {"/v1/groups/1": data}, 1)


def test_all_regions_go_into_one_request_and_none_needs_no_request() -> None:
    rows = [{"regionId": 3, "domainId": 1, "domain": "a.example.com"}]
    assert read("domains", {"/v1/cluster/domains?regionIds=3,4": success(rows)}, 3, 4) == (None, rows)
    assert read("domains", {}) == (None, [])
