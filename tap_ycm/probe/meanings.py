"""What a finding means for the tap, in a sentence: if it is as the sandbox assumes, and if not. Nothing but data."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FACTS", "MEANINGS", "Meaning"]


class Meaning(NamedTuple):
    """Two sentences, as the rest of "This means that ..."."""

    as_assumed: str
    otherwise: str


_NOTHING = "nothing changes for the tap"
_MISSES = "rows are missing from what the tap reads; it notices, and calls the sync incomplete"
_INCOMPLETE = "the tap calls each sync incomplete, though it reads what there is"
_ERRORS = "the tap reads errors as it should"
_DENIED = "the tap sees that the account may not read a list"
_COUNTED = "the tap reads the list twice, and compares"

MEANINGS: dict[str, Meaning] = {
    "max_page_size": Meaning("the tap reads 50 rows a request", "the tap takes more requests, or could do with fewer"),
    "default_page_size": Meaning(_NOTHING, f"{_NOTHING}, for it always asks for a page size"),
    "over_max": Meaning(_NOTHING, f"{_NOTHING}, for it never asks for more than 50"),
    "below_one": Meaning(_NOTHING, f"{_NOTHING}, for it never asks for page 0"),
    "past_end": Meaning("the tap sees where a list ends", "the tap relies on the total to see where a list ends"),
    "honour_page": Meaning("the tap can read a list page by page", _MISSES),
    "echo": Meaning(
        "the tap can check each page against its question", "the tap can check pages less well, or not at all"
    ),
    "echo_page": Meaning("a wrong page is not seen by its number", "the tap sees a wrong page by its number"),
    "page_offset": Meaning("the first page holds the first rows", _MISSES),
    "page_gap": Meaning("pages follow each other without a gap", _MISSES),
    "window": Meaning("the end of long lists is served", _MISSES),
    "short_by": Meaning("pages are full", _MISSES),
    "short_pages": Meaning("pages are full", _MISSES),
    "hidden": Meaning("no row is known to be hidden", _MISSES),
    "hidden_counted": Meaning("a total would show hidden rows", "hidden rows are noticed by look-ups only"),
    "honour_sort": Meaning("the tap can prove that a list is complete", _INCOMPLETE),
    "default_order": Meaning(_NOTHING, f"{_NOTHING}, for it sorts where it can"),
    "sort_as": Meaning("keys are in order", "where ids get another digit, the tap calls the sync incomplete"),
    "unknown_sort": Meaning(_NOTHING, f"{_NOTHING}, for it sorts by ids only"),
    "total_as": Meaning("the total can be a witness", "a total that is no whole number makes each sync incomplete"),
    "total_offset": Meaning("the total agrees with the rows", _INCOMPLETE),
    "total_fixed": Meaning("the total agrees with the rows", _INCOMPLETE),
    "total_every": Meaning("the total is counted anew each time", "the total lags behind the list"),
    "total_lag": Meaning("the total is told with its rows", "the total lags behind the list"),
    "total_cap": Meaning("the total agrees with the rows", "the total of long lists is no witness for the tap"),
    "total_wobble": Meaning("the total agrees with the rows", _INCOMPLETE),
    "stale_every": Meaning("all answers show the present list", "some answers show an older list"),
    "stale_lag": Meaning("all answers show the present list", "some answers show an older list"),
    "look_up": Meaning("the tap can confirm deletes", "the tap cannot confirm deletes, and withholds them"),
    "look_up_lag": Meaning("look-ups show the present", "look-ups lag behind the list"),
    "not_found_as": Meaning(
        "the tap sees that an object is gone", "the tap may not see that an object is gone, and then withholds deletes"
    ),
    "unset": Meaning("a field without a value becomes null", "an empty text stays empty, and null stays null"),
    "order_dids": Meaning("one reading of the list can be proved", _COUNTED),
    "order_trunk_permissions": Meaning(_COUNTED, _COUNTED),
    "order_groups": Meaning(_COUNTED, "one reading of the list may do"),
    "trunk_list_as": Meaning("the tap reads the trunks", "the tap reads the trunks"),
    "single_trunk": Meaning("the tap can look up a trunk", "the tap can look up a trunk"),
    "did_pbx_as": Meaning("the tap makes it a number", "the tap takes it as it is"),
    "duplicates": Meaning("each link comes once", "the tap keeps one of equal links"),
    "vanishing_parents": Meaning("parents stay while they are read", "the tap takes what is not found for deleted"),
    "only": Meaning("lists behave alike", "lists behave differently"),
    "denied": Meaning("the account may read all lists", "the tap leaves these lists out, with a warning"),
    "denied_code": Meaning(_DENIED, _DENIED),
    "missing_user_agent": Meaning(f"{_NOTHING}, for it always sends one", f"{_NOTHING}, for it always sends one"),
    "error_code_field": Meaning(
        _ERRORS, "the tap finds the code if it knows the name, and goes by the HTTP status otherwise"
    ),
    "error_message_field": Meaning(_NOTHING, f"{_NOTHING}, for it never shows messages"),
    "error_code_as": Meaning(_ERRORS, "the tap reads codes as text, too; without codes it goes by the HTTP status"),
    "error_status_field": Meaning(_ERRORS, _ERRORS),
    "error_http": Meaning(_ERRORS, "the tap goes by the code; without one, by the HTTP status"),
    "grant_errors": Meaning("the tap sees refused credentials", "the tap sees refused credentials"),
    "token_life": Meaning(
        "a token lasts for some 1,000 requests or more", "the tap renews tokens in time, whatever their life"
    ),
    "refresh_life": Meaning(_NOTHING, _NOTHING),
    "refresh_rotates": Meaning(_NOTHING, _NOTHING),
    "refresh_needs_client": Meaning(_NOTHING, _NOTHING),
    "one_token": Meaning(
        "several programs can use one API client",
        "each new token ends the others: two programs with one API client disturb each other",
    ),
    "token_delay": Meaning("a new token works at once", "the tap waits until a new token works"),
    "token_refusals": Meaning("a new token works at once", "the tap tries a new token again, but not often"),
    "token_uses": Meaning("a token lasts", "the tap gets a new token more often"),
    "gzip": Meaning("answers come as they are", "answers come compressed, which the tap reads"),
    "request_id": Meaning(
        "error messages can be found in YCM's logs", "error messages may lack the requestId, or it is another one"
    ),
    "limit": Meaning("no limit of the rate is known", "the tap waits when it meets the limit"),
}
"""A meaning for each assumption of the sandbox."""

FACTS: dict[str, str] = {
    "http": "the versions of HTTP that were answered; the probe speaks no HTTP/2",
    "content": "the media types of the answers; the tap reads JSON in any charset that it is told",
    "clock": "seconds that YCM's clock is ahead of this machine's; below 5 counts as 0; the tap relies on neither",
    "limit_headers": "the headers that tell of a limit; the tap obeys Retry-After",
    "error_statuses": "codes, and the HTTP statuses that came with them",
    "look_ups_understood": "whether the tap takes the answer for an object that does not exist as 'not found'",
    "wrong_token": "how a token that cannot be valid is refused",
}
"""What each fact is."""
