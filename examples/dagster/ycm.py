"""Runs a job of a Meltano project every night as an asset; a sync that failed is a run that failed.

Copy this file into your code location and change PROJECT, JOB and the schedule. Credentials are not in it: Meltano
reads them from the file .env of the project, or from Dagster's environment.
"""

import dagster as dg

PROJECT = "/srv/ycm"  # the folder of meltano.yml; Meltano is in its .venv
JOB = "ycm-to-postgres"


# The tap repeats its requests for up to 15 minutes. What fails then gets one more try, when an outage may be over.
@dg.asset(retry_policy=dg.RetryPolicy(max_retries=1, delay=30 * 60))
def ycm_tables(context: dg.AssetExecutionContext, meltano: dg.PipesSubprocessClient) -> dg.MaterializeResult:
    """The lists of the YCM account, in the tables that the job loads."""
    command = [f"{PROJECT}/.venv/bin/meltano", "run", JOB]
    return meltano.run(context=context, command=command, cwd=PROJECT).get_materialize_result()


sync = dg.define_asset_job("ycm", selection=[ycm_tables])

defs = dg.Definitions(
    assets=[ycm_tables],
    jobs=[sync],
    schedules=[dg.ScheduleDefinition(job=sync, cron_schedule="15 3 * * *", execution_timezone="UTC")],
    resources={"meltano": dg.PipesSubprocessClient()},
)
