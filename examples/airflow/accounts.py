"""Syncs many YCM accounts every night: a mapped task for each, and a last one that names those that failed, and why.

For Airflow 3, with any executor. Copy this file into the folder of your DAGs, and change PROJECT and the schedule.

- Variable `ycm_accounts`: a JSON list of names, such as ["acme", "globex"]. Their tables are in the schemas
  ycm_acme and ycm_globex.
- Connections `ycm_acme`, `ycm_globex`: login is the client ID, password the client secret, host the address of the YCM
  if it is not Yeastar's.
- Pool `ycm`: its slots are how many accounts are synced at a time.
- In the environment of the workers: TARGET_POSTGRES_..., and where Meltano keeps its states, MELTANO_DATABASE_URI or
  MELTANO_STATE_BACKEND_URI. Nothing that a task writes to its disk is needed by another.
"""

import json
import os
import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path

import pendulum
from airflow.sdk import BaseHook, Variable, dag, get_current_context, task

PROJECT = "/srv/ycm"  # the folder of meltano.yml; Meltano is in its .venv, its plugins are installed


@task
def accounts():
    return Variable.get("ycm_accounts", deserialize_json=True)


# The tap repeats its requests for up to 15 minutes. What fails then is resumed once more, when an outage may be over.
@task(pool="ycm", map_index_template="{{ account }}", retries=1, retry_delay=timedelta(minutes=30))
def sync(account):
    context = get_current_context()
    context["account"] = account
    connection = BaseHook.get_connection(f"ycm_{account}")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        environment = os.environ | {
            "MELTANO_SYS_DIR_ROOT": folder,  # or runs of one extractor write over each other's files
            "TAP_YCM__LOAD_SCHEMA": f"ycm_{account}",
            "TAP_YCM_CLIENT_ID": connection.login,
            "TAP_YCM_CLIENT_SECRET": connection.password,
            "TAP_YCM_REPORT_PATH": str(report),
        }
        if connection.host:
            environment["TAP_YCM_BASE_URL"] = connection.host
        command = [".venv/bin/meltano", "run", "--state-id-suffix", account, "tap-ycm", "target-postgres"]
        status = subprocess.run(command, cwd=PROJECT, env=environment, check=False).returncode
        rows = json.loads(report.read_text(encoding="utf-8")) if report.exists() else []
    if status:
        failure = "; ".join(row["failure"] for row in rows if row["failure"]) or "its log says why"
        context["ti"].xcom_push(key="failure", value=failure)
        raise RuntimeError(failure)
    return sum(row["rows"] for row in rows)


@task(trigger_rule="all_done")
def report(names):
    def said(key, place):
        return get_current_context()["ti"].xcom_pull(task_ids="sync", key=key, map_indexes=place)

    failed = {name: said("failure", place) for place, name in enumerate(names) if said("return_value", place) is None}
    if failed:
        sentences = (f"{name}: {failure or 'its log says why'}" for name, failure in failed.items())
        raise RuntimeError("\n".join([f"{len(failed)} of {len(names)} accounts failed", *sentences]))


@dag(
    dag_id="ycm_accounts",
    schedule="15 3 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,  # each run reads everything: nights that were missed need no run of their own
    max_active_runs=1,
)
def ycm_accounts():
    names = accounts()
    sync.expand(account=names) >> report(names)


ycm_accounts()
