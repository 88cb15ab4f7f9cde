"""The command `tap-ycm-sandbox`: a YCM to rehearse with, without an account."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from tap_ycm.sandbox.assumptions import ASSUMPTIONS, Assumptions, assume, written
from tap_ycm.sandbox.endpoints import endpoints
from tap_ycm.sandbox.faults import KINDS, Fault
from tap_ycm.sandbox.like import like_file
from tap_ycm.sandbox.limit import Limit
from tap_ycm.sandbox.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from tap_ycm.sandbox.server import Sandbox

_LIMIT_PARTS = 3
_LAST_PORT = 65_535
_NAME = "tap-ycm-sandbox"


def _read(parse: Callable[[str], object]) -> dict[str, Any]:
    """Let a function read an option; the sentence of its ValueError reaches the person who made the mistake."""

    def callback(_context: click.Context, _option: click.Parameter, value: str | tuple[str, ...] | None) -> object:
        try:
            if value is None or isinstance(value, str):
                return value if value is None else parse(value)
            return tuple(parse(one) for one in value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return {"type": str, "callback": callback}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sandbox until Ctrl-C or SIGTERM.

    Args:
        argv: Arguments without the program; by default those of the process.

    Returns:
        The exit status: 0, or 1 if it cannot run. Bad arguments exit with 2.
    """
    try:
        status: int = command.main(argv, prog_name=_NAME, standalone_mode=False)
    except click.ClickException as error:
        sys.stderr.write(f"{_NAME}: {error.format_message().rstrip('.')}.\n")
        sys.exit(2)
    return status


def _at_least(kind: type[float], least: float) -> dict[str, Any]:
    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = least - 1
        if not least <= value < float("inf"):
            word = "a whole number" if kind is int else "a number"
            msg = f"expected {word} of at least {least}, not {text!r}."
            raise ValueError(msg)
        return value

    return _read(parse) | {"metavar": "NUMBER"}


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _LAST_PORT):
        msg = f"a port is a whole number up to {_LAST_PORT}, not {text!r}."
        raise ValueError(msg)
    return int(text)


def _limit(text: str) -> Limit:
    parts = text.split(",")
    try:
        if len(parts) != _LIMIT_PARTS:
            raise ValueError  # noqa: TRY301 - the sentence below says it all
        numbers = int(parts[0]), int(parts[1]), float(parts[2])
    except ValueError:
        msg = f"a limit is BURST,RATE,INTERVAL, for instance 600,300,180, not {text!r}."
        raise ValueError(msg) from None
    return Limit(*numbers)


def _size(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in TABLES or not (number.isascii() and number.isdigit()):
        msg = f"a size is TABLE=N, where TABLE is one of {', '.join(TABLES)}; not {text!r}."
        raise ValueError(msg)
    return name, int(number)


def _tables(text: str) -> tuple[str, ...]:
    names = tuple(TABLES) if text == "all" else tuple(text.split(","))
    if not all(name in TABLES for name in names):
        msg = f"expected all, or some of {', '.join(TABLES)} with commas between, not {text!r}."
        raise ValueError(msg)
    return names


def _columns(rows: Sequence[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name.ljust(width)}  {words}" for name, words in rows)


_EPILOG = f"""\b
faults:
{_columns([*KINDS.items()])}

\b
while it runs, under /sandbox/:
{
    _columns(
        [
            ("GET truth", "every customer, one JSON object a line; ?table= for another stream"),
            ("GET stats", "what happened so far"),
            ("POST churn", 'for instance {"create":3,"delete":2,"edit":1,"table":"users"}'),
            ("POST faults", 'for instance ["customers:1:reset"]; [] clears'),
            ("POST assumptions", 'for instance ["hidden=10"]; [] as at the start'),
            ("POST tokens/expire", "make the access tokens expire now"),
        ]
    )
}
"""


def _assumed(base: Assumptions, texts: Sequence[str], token_life: float | None, limit: Limit | None) -> Assumptions:
    try:
        told: dict[str, Any] = {"token_life": token_life, "limit": limit}
        assumptions = replace(base, **{name: value for name, value in told.items() if value is not None})
        for text in texts:
            assumptions = assume(assumptions, text)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return assumptions


@click.command(
    help="A fake YCM on this machine, to rehearse with.",
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--like",
    "seen",
    **_read(like_file),
    metavar="REPORT",
    help="behave as the YCM that tap-ycm-probe --json REPORT has seen; other options win",
)
@click.option("--customers", **_at_least(int, 0), help="how many (364)")
@click.option(
    "--size",
    "sizes",
    **_read(_size),
    metavar="TABLE=N",
    multiple=True,
    help="how many rows of another table, repeatable; for instance cloud_pbxs=1000",
)
@click.option("--seed", type=int, default=7, help="decides everything random (7)")
@click.option("--port", **_read(_port), metavar="PORT", default=0, help="by default any free port")
@click.option("--latency-ms", **_at_least(float, 0), default=0.0, help="milliseconds before each answer (0)")
@click.option("--churn", **_at_least(float, 0), default=0.0, help="rows created, deleted or edited per second (0)")
@click.option(
    "--churn-tables",
    **_read(_tables),
    metavar="TABLES",
    default="customers",
    help="the tables that churn changes, with commas between, or all (customers)",
)
@click.option(
    "--fault",
    "faults",
    **_read(Fault.parse),
    metavar="ENDPOINT:WHEN:KIND[=ARGUMENT]",
    multiple=True,
    help=(
        "what goes wrong, repeatable; WHEN is a number, * for always, */N for every N-th or P% for a chance, with xN "
        "at its end for at most N times; for instance customers:3:reset, token:1:error=1000002 or "
        f"customers:*x5:http=503; ENDPOINT is any, token or one of {', '.join(endpoints())}"
    ),
)
@click.option("--token-life", **_at_least(float, 0), help="life of an access token, seconds (1800)")
@click.option(
    "--limit",
    **_read(_limit),
    metavar="BURST,RATE,INTERVAL",
    help="limit requests as YCM does, INTERVAL in seconds; none by default",
)
@click.option(
    "--assume",
    "assumed",
    multiple=True,
    metavar="NAME=VALUE",
    help="change an assumption, repeatable; NAME is one of "
    + ", ".join(one.name for one in ASSUMPTIONS if one.kind is not Limit),
)
@click.option("--client-id", help="the Client ID to expect")
@click.option("--client-secret", help="the Client Secret to expect")
@click.option("--assumptions", is_flag=True, help="print every assumption, its default and how well it is known")
def command(  # noqa: PLR0913 - the options
    *,
    seen: tuple[Assumptions, dict[str, int]] | None,
    sizes: tuple[tuple[str, int], ...],
    customers: int | None,
    latency_ms: float,
    token_life: float | None,
    limit: Limit | None,
    assumed: tuple[str, ...],
    assumptions: bool,
    **options: Any,
) -> int:
    """Read the options and serve."""
    if assumptions:
        sys.stdout.write(_table())
        return 0
    base, seen_sizes = seen or (Assumptions(), {})
    behaviour = _assumed(base, assumed, token_life, limit)
    try:
        from tap_ycm.sandbox.server import Sandbox  # noqa: PLC0415 - needs aiohttp
    except ModuleNotFoundError as error:
        if error.name != "aiohttp":
            raise
        sys.stderr.write("The sandbox needs aiohttp: pip install 'tap-ycm[sandbox]'.\n")
        return 1
    given = {name: value for name, value in options.items() if value is not None}
    all_sizes = seen_sizes | ({} if customers is None else {"customers": customers}) | dict(sizes)
    return _serve(Sandbox(sizes=all_sizes, assumptions=behaviour, latency=latency_ms / 1000, **given))


def _serve(sandbox: Sandbox) -> int:
    """Serve until a signal comes; return the exit status."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with sandbox:
            sys.stdout.write(_welcome(sandbox))
            sys.stdout.flush()
            # Waiting in turns, because on Windows a signal does not end a wait.
            while not stop.wait(0.5):
                pass
    except OSError as error:
        sys.stderr.write(f"Port {sandbox.port} cannot be had: {error.strerror}.\n")
        return 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _welcome(sandbox: Sandbox) -> str:
    """Say where it is, as lines for a shell."""
    return (
        f"# {len(sandbox.world)} customers. Stop it with Ctrl-C.\n"
        f"export TAP_YCM_BASE_URL={shlex.quote(sandbox.url)}\n"
        f"export TAP_YCM_CLIENT_ID={shlex.quote(sandbox.client_id)}\n"
        f"export TAP_YCM_CLIENT_SECRET={shlex.quote(sandbox.client_secret)}\n"
    )


def _table() -> str:
    """Return every assumption as a line of aligned columns."""
    rows = [("ASSUMPTION", "DEFAULT", "MARK", "VALUES", "MEANING")]
    rows += [
        (
            one.name,
            written(one.default),
            one.told.mark,
            one.expects,
            one.told.says,
        )
        for one in ASSUMPTIONS
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join(
            [
                *(cell.ljust(width) for cell, width in zip(row, widths, strict=False)),
                row[-1],
            ]
        )
        for row in rows
    ]
    marks = "V: read on a vendor page. I: inferred from the pages. U: unknown, a guess."
    return "\n".join([*lines, "", marks, ""])


if __name__ == "__main__":
    sys.exit(main())
