"""A Snowflake on the loopback interface: fakesnow, and the few statements of target-snowflake that it does not know.

A program for an environment of its own (see `SERVER` in test_snowflake.py): ``python fake_snowflake.py`` prints its
port and serves until its standard input ends, so it dies with whoever started it. What is rewritten here, and hence
restated rather than judged, is the way from a staged file into a table; the rest is fakesnow's.

Two addresses are not Snowflake's: ``POST /sql`` runs a statement and answers its rows as JSON, ``GET /log`` tells
what each login and each statement of the target was.
"""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
import re
import shutil
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

import uvicorn
from fakesnow.server import login_request, query_request, routes, shared_fs, to_conn, to_token
from fakesnow.transforms import stage
from snowflake.connector.errors import ProgrammingError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

USER_STAGE = re.compile(r"'@~/([^']+?)/?'")
MERGE = re.compile(
    r"merge into (?P<table>\S+) d using "
    r"\(select (?P<columns>.+) from '@~/[^']+'\(file_format => .+?\) (?P<qualify>QUALIFY .+?)\) s (?P<rest>on .+)",
    re.DOTALL,
)

merges = itertools.count()
logins: list[dict[str, Any]] = []
statements: list[dict[str, Any]] = []


def rewritten(sql: str, execute: Callable[[str], object], database: str) -> str:
    """Return a statement that fakesnow runs for one that it does not; others as they are."""
    # fakesnow has no DROP FILE FORMAT. The formats have names of their own, so one that stays harms nobody.
    if sql.lower().startswith("drop file format"):
        return "select 'dropped' as status"
    if not (path := USER_STAGE.search(sql)):
        return sql
    name = f"{database}.PUBLIC.USER_STAGE"
    # fakesnow has no user stage (@~): a named stage takes its place, in the schema that every database has.
    execute(f"create schema if not exists {database}.PUBLIC")
    execute(f"create stage if not exists {name}")
    command = sql.split(maxsplit=1)[0].lower()
    # fakesnow takes the name of a stage without quotes only.
    if command == "put":
        return USER_STAGE.sub(f"@{name}/{path[1]}", sql)
    # fakesnow has no REMOVE: the files go away here.
    if command == "remove":
        shutil.rmtree(stage.internal_dir(name, path[1]))
        return "select 'removed' as result"
    # fakesnow cannot MERGE from a staged file. The file becomes a table of one column, that one a table with the
    # target's own columns, casts and aliases, and the target's own MERGE takes its rows from there. The place of a row
    # in the file stands for SEQ8(), which fakesnow does not know.
    if command == "merge" and (merge := MERGE.fullmatch(sql)):
        number = next(merges)  # the target loads several tables at a time
        staged, source = f"{database}.PUBLIC.STAGED{number}", f"{database}.PUBLIC.SOURCE{number}"
        execute(f"create or replace table {staged} (line variant)")
        execute(f"copy into {staged} from @{name}/{path[1]} file_format = (type = json)")
        columns = merge["columns"].replace("$1:", "line:")
        names = ", ".join(re.findall(r" as (\S+?)(?:,|$)", columns))
        qualify = merge["qualify"].replace("SEQ8()", "seq")
        rows = f"select {columns}, rowid as seq from {staged}"  # noqa: S608 - the target's own words
        execute(f"create or replace table {source} as {rows}")
        latest = f"select {names} from {source} {qualify}"  # noqa: S608 - the target's own words
        return f"merge into {merge['table']} d using ({latest}) s {merge['rest']}"
    return sql


async def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON that was sent, unpacked."""
    body = await request.body()
    if request.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    content: dict[str, Any] = json.loads(body)
    return content


async def login(request: Request) -> Response:
    """Let anybody in, as fakesnow does, and remember how they asked."""
    content, query = await body_of(request), dict(request.query_params)
    logins.append({"database": query["databaseName"], "content": {"query": query, "data": content["data"]}})
    return await passed_on(request, login_request, content)


async def query(request: Request) -> Response:
    """Run a statement of the target, rewritten if need be."""
    content = await body_of(request)
    session = to_conn(to_token(request))
    statements.append({"database": session.database, "content": content["sqlText"]})
    try:
        content["sqlText"] = await run_in_threadpool(
            rewritten, content["sqlText"].strip(), session.cursor().execute, session.database
        )
    except ProgrammingError as error:
        return refusal(str(error))
    answer = await passed_on(request, query_request, content)
    # fakesnow answers 500 to what it has no number for, a broken constraint say: the target would ask for minutes.
    return answer if answer.status_code < 500 else refusal(f"fakesnow failed at: {content['sqlText']}")


def refusal(sentence: str) -> Response:
    """Return Snowflake's answer to a statement that fails."""
    return JSONResponse({"data": {"sqlState": "42000"}, "code": "001003", "message": sentence, "success": False})


async def passed_on(
    request: Request, handler: Callable[[Request], Awaitable[Response]], content: dict[str, Any]
) -> Response:
    """Call a handler of fakesnow with a request that has another content."""
    body = json.dumps(content).encode()
    headers = [pair for pair in request.scope["headers"] if pair[0] not in (b"content-encoding", b"content-length")]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return await handler(Request({**request.scope, "headers": headers}, receive))


async def sql(request: Request) -> Response:
    """Run a statement of the tests and answer the rows; what JSON does not know becomes text."""
    statement = await body_of(request)

    def rows() -> list[Any]:
        cursor = shared_fs.connect(statement["database"], "PUBLIC").cursor()
        found: list[Any] = cursor.execute(statement["sql"]).fetchall()
        return found

    return Response(json.dumps(await run_in_threadpool(rows), default=str), media_type="application/json")


async def log(_: Request) -> Response:
    """Tell of every login and statement so far."""
    return JSONResponse({"logins": logins, "statements": statements})


def main() -> None:
    """Serve until standard input ends."""
    own = {login_request: login, query_request: query}
    served = [Route(route.path, own.get(route.endpoint, route.endpoint), methods=route.methods) for route in routes]
    served += [Route("/sql", sql, methods=["POST"]), Route("/log", log)]
    uvicorn_server = uvicorn.Server(uvicorn.Config(Starlette(routes=served), log_level="warning"))

    def end_with_parent() -> None:
        sys.stdin.read()
        uvicorn_server.should_exit = True

    threading.Thread(target=end_with_parent, daemon=True).start()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)  # noqa: T201 - for whoever started it
        try:
            uvicorn_server.run(sockets=[listener])
        finally:
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(stage.LOCAL_BUCKET_PATH)  # fakesnow leaves it behind


if __name__ == "__main__":
    main()
