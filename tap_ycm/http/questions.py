"""What can be asked of YCM: the path and query of each request, and how its answer is read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from tap_ycm.http.answers import parse_object, parse_page, parse_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_ycm.http.answers import Extract
    from tap_ycm.reading.pages import Page, PageRequest, Row

__all__ = ["Listing", "Question", "object_of", "page_of", "rows_of"]

_A = TypeVar("_A")


@dataclass(frozen=True, slots=True)
class Question(Generic[_A]):
    """One GET request.

    Attributes:
        name: The path as error sentences show it, without data.
        path: The path after ``/dm/open_api``, and the query.
        parse: Reads an answer; gets its body, its HTTP status, the endpoint for error sentences, and ``retry_after``.
    """

    name: str
    path: str
    parse: Callable[..., _A]


@dataclass(frozen=True)
class Listing:
    """A paged list.

    Attributes:
        path: Its path after ``/dm/open_api``.
        key: The field that identifies the rows, a 64-bit integer.
        look_up: The path of a single object, ``{key}`` in place of its key; None if there is none.
        is_sorted: Whether YCM sorts the list by its key when it is asked to.
    """

    path: str
    key: str
    look_up: str | None = None
    is_sorted: bool = True


def page_of(listing: Listing, request: PageRequest) -> Question[Page]:
    """Ask for one page of a list."""
    query = f"pageSize={request.size}&pageNumber={request.number}"  # nothing in it needs quoting
    if listing.is_sorted:
        query += f"&sort={'-' if request.newest_first else ''}{listing.key}"
    return Question(listing.path, f"{listing.path}?{query}", partial(parse_page, key=listing.key))


def object_of(listing: Listing, identifier: int) -> Question[Row | None]:
    """Ask for one object of a list by its key; the answer is None if YCM says that it does not have it."""
    template = listing.look_up or ""
    parse = partial(parse_object, key=listing.key, identifier=identifier)
    return Question(template.format(key=f"{{{listing.key}}}"), template.format(key=identifier), parse)


def rows_of(  # noqa: PLR0913 - each is one independent fact
    name: str,
    path: str,
    extract: Extract,
    keys: Sequence[str],
    *,
    texts: Sequence[str] = (),
    may_be_gone: bool = False,
) -> Question[list[Row] | None]:
    """Ask for a whole list in one answer.

    Args:
        name: The path as error sentences show it, without data.
        path: The path and query.
        extract: Finds the rows in ``data``.
        keys: The fields that identify a row.
        texts: Those of them that are text which ``extract`` puts there; the others are integers.
        may_be_gone: Whether "not found" is an answer: None.
    """
    parse = partial(parse_rows, extract=extract, keys=tuple(keys), texts=tuple(texts), may_be_gone=may_be_gone)
    return Question(name, path, parse)
