"""The command `tap-ycm-sandbox`: a YCM to rehearse with, without an account."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

from tap_ycm.sandbox.assumptions import ASSUMPTIONS, Assumptions, assume, written
from tap_ycm.sandbox.faults import KINDS, Fault
from tap_ycm.sandbox.limit import Limit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from tap_ycm.sandbox.server import Sandbox

_LIMIT_PARTS = 3
_LAST_PORT = 65_535


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        sentence = message if message.endswith(".") else f"{message}."
        self.exit(2, f"{self.prog}: {sentence}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sandbox until Ctrl-C or SIGTERM.

    Args:
        argv: Arguments without the program; by default those of the process.

    Returns:
        The exit status: 0, or 1 if it cannot run. Bad arguments exit with 2.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    if options.assumptions:
        sys.stdout.write(_table())
        return 0
    assumptions = Assumptions(token_life=options.token_life, limit=options.limit)
    try:
        for text in options.assume:
            assumptions = assume(assumptions, text)
    except ValueError as error:
        parser.error(str(error))
    try:
        from tap_ycm.sandbox.server import Sandbox  # noqa: PLC0415 - needs aiohttp
    except ModuleNotFoundError as error:
        if error.name != "aiohttp":
            raise
        sys.stderr.write("The sandbox needs aiohttp: pip install 'tap-ycm[sandbox]'.\n")
        return 1
    sandbox = Sandbox(
        customers=options.customers,
        seed=options.seed,
        assumptions=assumptions,
        faults=options.fault,
        latency=options.latency_ms / 1000,
        churn=options.churn,
        port=options.port,
        **{name: value for name in ("client_id", "client_secret") if (value := getattr(options, name)) is not None},
    )
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
        sys.stderr.write(f"Port {options.port} cannot be had: {error.strerror}.\n")
        return 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _parser() -> _Parser:
    parser = _Parser(
        prog="tap-ycm-sandbox",
        description="A fake YCM on this machine, to rehearse with.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(
            [
                "faults:",
                *(f"  {kind:<20}  {words}" for kind, words in KINDS.items()),
                "",
                "while it runs, under /sandbox/:",
                "  GET truth            every customer, one JSON object a line",
                "  GET stats            what happened so far",
                '  POST churn           for instance {"create":3,"delete":2,"edit":1}',
                '  POST faults          for instance ["customers:1:reset"]; [] clears',
                '  POST assumptions     for instance ["hidden=10"]; [] as at the start',
                "  POST tokens/expire   make the access tokens expire now",
            ]
        ),
    )
    add = parser.add_argument
    add("--customers", type=_at_least(int, 0), default=364, help="how many (364)")
    add("--seed", type=int, default=7, help="decides everything random (7)")
    add("--port", type=_port, default=0, help="by default any free port")
    add(
        "--latency-ms",
        type=_at_least(float, 0),
        default=0.0,
        help="milliseconds before each answer (0)",
    )
    add(
        "--churn",
        type=_at_least(float, 0),
        default=0.0,
        help="customers created, deleted or edited per second (0)",
    )
    add(
        "--fault",
        type=_sentence(Fault.parse),
        action="append",
        default=[],
        metavar="ENDPOINT:WHEN:KIND[=ARGUMENT]",
        help=(
            "what goes wrong, repeatable; ENDPOINT is customers, customer, token or"
            " any; WHEN is a number, * for always, */N for every N-th or P%% for a"
            " chance, with xN at its end for at most N times; for instance"
            " customers:3:reset, token:1:error=1000002 or customers:*x5:http=503"
        ),
    )
    add(
        "--token-life",
        type=_at_least(float, 0),
        default=Assumptions.token_life,
        metavar="SECONDS",
        help="life of an access token (1800)",
    )
    add(
        "--limit",
        type=_sentence(_limit),
        metavar="BURST,RATE,INTERVAL",
        help="limit requests as YCM does, INTERVAL in seconds; none by default",
    )
    add(
        "--assume",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=(
            "change an assumption, repeatable; NAME is one of "
            + ", ".join(one.name for one in ASSUMPTIONS if one.kind is not Limit)
        ),
    )
    add("--client-id", help="the Client ID to expect")
    add("--client-secret", help="the Client Secret to expect")
    add(
        "--assumptions",
        action="store_true",
        help="print every assumption, its default and how well it is known",
    )
    return parser


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


def _sentence(parse: Callable[[str], object]) -> Callable[[str], object]:
    """Let the sentence of a ValueError reach the person who made the mistake."""

    def parsed(text: str) -> object:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed


def _at_least(kind: type[float], least: float) -> Callable[[str], object]:
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

    return _sentence(parse)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _LAST_PORT):
        msg = f"a port is a whole number up to {_LAST_PORT}, not {text!r}."
        raise argparse.ArgumentTypeError(msg)
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


if __name__ == "__main__":
    sys.exit(main())
