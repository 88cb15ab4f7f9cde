"""Loads all of YCM with dlt, by the messages of tap-ycm: python ycm.py FILE (the tap's settings, as JSON)."""

import json
import subprocess
import sys

import dlt


@dlt.resource(name="ycm", max_table_nesting=0)  # objects and arrays stay JSON, as with Singer's targets
def messages(config):
    memory = dlt.current.resource_state()  # stored with the data: a sync that fails changes nothing
    tables, versions, state = {}, {}, memory.get("tap") or {}
    command = ["tap-ycm", "--config", config, "--state", "/dev/stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as tap:
        tap.stdin.write(json.dumps(state))
        tap.stdin.close()
        for message in map(json.loads, tap.stdout):
            stream, kind = message.get("stream"), message["type"]
            if kind == "SCHEMA":
                hints = {"table_name": stream, "primary_key": message["key_properties"], "write_disposition": "merge"}
                tables[stream] = dlt.mark.make_hints(columns={"tap_version": {"data_type": "bigint"}}, **hints)
            elif kind == "RECORD":
                row = {**message["record"], "tap_version": message.get("version")}
                yield dlt.mark.with_hints(row, tables[stream], create_table_variant=True)
            elif kind == "ACTIVATE_VERSION":
                versions[stream] = message["version"]
            elif kind == "STATE":
                state = message["value"]
    if tap.returncode:
        sys.exit(f"tap-ycm failed with exit status {tap.returncode}: its last line says why")
    memory.update(tap=state, versions=versions)


pipeline = dlt.pipeline("ycm", destination=dlt.destination("ycm"), dataset_name="ycm")
print(pipeline.run(messages(sys.argv[1])))
with pipeline.sql_client() as client:  # delete what a complete sync did not bring
    for stream, version in pipeline.state["sources"]["ycm"]["resources"]["ycm"]["versions"].items():
        table = client.make_qualified_table_name(stream)
        client.execute_sql(f"delete from {table} where tap_version < {version}")  # noqa: S608 - both are the tap's
