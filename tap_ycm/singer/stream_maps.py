"""What is wrong with stream maps that the SDK would take as they are.

People use stream maps to keep personal data out of a target. The SDK takes a map of a stream or a column that does not
exist for one that has nothing to do, or for a new column: so a misspelt protection protects nothing, in silence. Here
each name must exist. Whether a new column is a misspelt one, nobody can know; so one whose name is like that of a
column is refused, unless the map says what becomes of that column too.

The sentences hold the names of streams and columns, and never anything from an expression: it may hold a key.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from singer_sdk.mapper import (
    MAPPER_ALIAS_OPTION,
    MAPPER_ELSE_OPTION,
    MAPPER_FILTER_OPTION,
    MAPPER_KEY_PROPERTIES_OPTION,
    MAPPER_SOURCE_OPTION,
    NULL_STRING,
    CustomStreamMap,
)

from tap_ycm.singer.names import did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk.streams import Stream

__all__ = ["Columns", "names_in_expressions", "problems"]

_OPTIONS = (
    MAPPER_ALIAS_OPTION,
    MAPPER_ELSE_OPTION,
    MAPPER_FILTER_OPTION,
    MAPPER_KEY_PROPERTIES_OPTION,
    MAPPER_SOURCE_OPTION,
)
_RECORD = {"_", "record"}
"""Names of the whole record in an expression."""


@dataclass(frozen=True)
class Columns:
    """The columns of a stream.

    Attributes:
        known: All that it can have.
        delivered: Those that the catalog selects.
    """

    known: tuple[str, ...]
    delivered: tuple[str, ...]

    @classmethod
    def of(cls, stream: Stream, known: tuple[str, ...]) -> Columns:
        """Return the columns of a stream that has its catalog; one that is not selected counts as if it were."""
        schema, mask = stream.effective_schema["properties"], stream.mask
        selected = tuple(name for name in known if name in schema and mask["properties", name])
        return cls(known, selected if stream.selected else known)


def names_in_expressions() -> frozenset[str]:
    """Return the names that every expression may use besides columns: functions, and what the SDK adds."""
    bare = CustomStreamMap("", {}, {}, {"properties": {}}, None, {}, None)
    more = {"fake"} if bare.fake else set()
    return frozenset({*bare.functions, *_RECORD, "config", "__stream_name__", "__original_stream_name__", *more})


def problems(maps: Mapping[str, Any], streams: Mapping[str, Columns], names: frozenset[str]) -> list[str]:
    """Return what is wrong with the setting ``stream_maps``: half a sentence each; nothing if it may be applied.

    Args:
        maps: The setting, as the SDK's JSON schema has it.
        streams: All streams by name.
        names: What expressions may use besides columns, see :func:`names_in_expressions`.
    """
    found: list[str] = []
    mapped: dict[str, str] = {}
    for key, given in maps.items():
        if key == MAPPER_ELSE_OPTION:
            continue
        if key.startswith("__"):
            found.append(f"{key} is no option: the one for other streams is {MAPPER_ELSE_OPTION}")
            continue
        rules: Mapping[str, Any] = given if isinstance(given, dict) else {}
        source = rules.get(MAPPER_SOURCE_OPTION, key)
        matched = [name for name in streams if fnmatch(name, source)]
        if not matched:
            what = f"the {MAPPER_SOURCE_OPTION} of {key}" if MAPPER_SOURCE_OPTION in rules else key
            found.append(f"{what} is no stream: {did_you_mean(source, streams)}")
            continue
        if MAPPER_SOURCE_OPTION not in rules:
            found += [f"{mapped[name]} and {key} both map {name}, only one can" for name in matched if name in mapped]
            mapped |= dict.fromkeys(matched, key)
        known = dict.fromkeys(name for stream in matched for name in streams[stream].known)
        delivered = dict.fromkeys(name for stream in matched for name in streams[stream].delivered)
        found += _Map(key, rules, Columns(tuple(known), tuple(delivered)), names).problems()
    return found


@dataclass(frozen=True)
class _Map:
    """The map of one stream."""

    stream: str
    rules: Mapping[str, Any]
    columns: Columns
    names: frozenset[str]

    def problems(self) -> Iterator[str]:
        for name, rule in self.rules.items():
            place = f"{self.stream}.{name}"
            if name in _OPTIONS:
                yield from self._in_option(place, name, rule)
            elif name.startswith("__"):
                yield f"{place} is no option: {did_you_mean(name, _OPTIONS)}"
            elif rule in (None, NULL_STRING):
                if name not in self.columns.known:
                    yield f"{place} removes a column that does not exist: {did_you_mean(name, self.columns.known)}"
            elif isinstance(rule, str):
                if (meant := self._left_as_it_is(name)) is not None:
                    yield (
                        f"{place} adds a column, and {meant} stays as it is: did you mean {meant}? "
                        f'If not, add a rule for {meant} too ("{meant}": "{meant}" keeps it)'
                    )
                yield from self._in_expression(place, name, rule)

    def _in_option(self, place: str, name: str, rule: object) -> Iterator[str]:
        if name == MAPPER_FILTER_OPTION and isinstance(rule, str):
            yield from self._in_expression(place, None, rule)
        elif name == MAPPER_KEY_PROPERTIES_OPTION and isinstance(rule, list):
            possible = [*self.columns.delivered, *(column for column in self.rules if column not in _OPTIONS)]
            for column in rule:
                if column not in possible:
                    yield f"{place} names a column that does not exist: {did_you_mean(str(column), possible)}"
        elif name == MAPPER_ALIAS_OPTION and MAPPER_SOURCE_OPTION in self.rules:
            yield f"{place} has no effect beside {MAPPER_SOURCE_OPTION}: {self.stream} is the alias already"

    def _left_as_it_is(self, name: str) -> str | None:
        """Return the column that the name of a new one is like, if it reaches the target without a rule of its own."""
        if name in self.columns.known or MAPPER_ELSE_OPTION in self.rules:
            return None
        unmapped = [column for column in self.columns.delivered if column not in self.rules]
        # One or two letters wrong. Measured on names that people give to columns: tests/singer/test_stream_maps.py.
        near = nearest(name, unmapped, cutoff=0.77 if len(name) > 5 else 0.75)
        return near if near is not None and abs(len(near) - len(name)) <= 2 else None

    def _in_expression(self, place: str, column: str | None, text: str) -> Iterator[str]:
        """Yield what is wrong with an expression.

        Args:
            place: Where it stands.
            column: The column that it is for; None for a filter.
            text: The expression.
        """
        try:
            tree = ast.parse(text, mode="eval")  # the SDK takes the first statement of many, and "=" for a comparison
        except (SyntaxError, ValueError, RecursionError):
            yield f"{place} is not one valid expression"
            return
        for name, node, must_be_selected in sorted(_references(tree), key=lambda use: _position(text, use[1])):
            own = column is not None and name == "self" and isinstance(node, ast.Name)
            meant = column if column is not None and own else name
            if meant in self.columns.delivered or (isinstance(node, ast.Name) and name in self.names):
                continue
            if meant in self.columns.known:
                if must_be_selected:
                    yield f"{place} uses {meant}, which the catalog does not select"
            elif own:
                yield f"{place} uses self, but is no column: {did_you_mean(meant, self.columns.known)}"
            elif name == "fake":
                yield f"{place} uses fake, which needs the Python package faker beside the tap"
            else:
                what = "a name that is neither column nor function"
                hint = did_you_mean(name, [*self.columns.delivered, NULL_STRING, *sorted(self.names)])
                hint = hint if hint.startswith("did") else f"there are {', '.join(self.columns.delivered)}"
                yield f"{place} uses {what} (character {_position(text, node)}): {hint}"


def _references(tree: ast.AST) -> Iterable[tuple[str, ast.expr, bool]]:
    """Yield each name and column that an expression uses, the node, and whether it fails without that column."""
    nodes = list(ast.walk(tree))
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    record = _RECORD - bound
    for node in nodes:
        match node:
            case ast.Name(id=name, ctx=ast.Load()) if name not in bound:
                yield name, node, True
            case ast.Subscript(value=ast.Name(id=whole), slice=ast.Constant(value=str(name))) if whole in record:
                yield name, node, True
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=whole), attr="get"), args=[ast.Constant(value=str(name)), *_]
            ) if whole in record:
                yield name, node, False
            case ast.Attribute(value=ast.Name(id=whole), attr=name) if whole in record and not hasattr(dict, name):
                yield name, node, True
            case ast.Compare(
                left=ast.Constant(value=str(name)), ops=[ast.In() | ast.NotIn()], comparators=[ast.Name(id=whole)]
            ) if whole in record:
                yield name, node, False
            case _:
                pass


def _position(text: str, node: ast.expr) -> int:
    """Return the place of a node in an expression, counted in characters from 1."""
    lines = text.splitlines(keepends=True)
    before = lines[node.lineno - 1].encode()[: node.col_offset].decode()
    return sum(map(len, lines[: node.lineno - 1])) + len(before) + 1
