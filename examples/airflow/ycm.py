"""Runs jobs of a Meltano project every night, one task for each; a sync that failed is a task that failed.

For Airflow 3. Copy this file into the folder of your DAGs and change PROJECT, JOBS and the schedule. Credentials are
not in it: Meltano reads them from the file .env of the project, or from the worker's environment.
"""

from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

PROJECT = "/srv/ycm"  # the folder of meltano.yml; Meltano is in its .venv
JOBS = ["ycm-to-postgres"]

with DAG(
    dag_id="ycm",
    schedule="15 3 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,  # each run reads everything: nights that were missed need no run of their own
    max_active_runs=1,  # Meltano refuses to run a job twice at once
    # The tap repeats its requests for up to 15 minutes. What fails then gets one more try, when an outage may be over.
    default_args={"retries": 1, "retry_delay": timedelta(minutes=30)},
):
    for job in JOBS:
        BashOperator(task_id=job, bash_command=f".venv/bin/meltano run {job}", cwd=PROJECT)
