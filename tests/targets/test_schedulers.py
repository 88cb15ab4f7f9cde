"""The examples for cron, Airflow and Dagster, each run by the real thing: they load the table, and failures fail."""

from __future__ import annotations

import json
import shlex
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from harness import CLEAN_ENVIRONMENT
from loaded import customers, target_postgres, truth
from meltano_project import REPOSITORY, MeltanoProject, credentials, installed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_ycm.sandbox import Sandbox

pytestmark = pytest.mark.schedulers

EXAMPLES = REPOSITORY / "examples"
AIRFLOW = "apache-airflow==3.3.2"
DAGSTER = "dagster==1.13.29"
CRONTAB = "python-crontab==3.4.0"
SCHEDULE = "ycm-to-postgres-nightly"
REFUSED = "AUTHENTICATION_FAILED"  # in the tap's sentence on a wrong secret
LATER = {"timedelta(minutes=30)": "timedelta(seconds=1)", "delay=30 * 60": "delay=1"}


@dataclass(frozen=True)
class Scheduler:
    """A command that does now what a scheduler does at night.

    Attributes:
        environment: All there is of one.
        tries: How often it tries what fails.
    """

    command: list[str]
    environment: dict[str, str]
    tries: int = 1

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(self.command, **self._options)

    def run(self) -> tuple[int, str]:
        """Return its exit status and what it printed."""
        process = subprocess.run(self.command, check=False, timeout=180, **self._options)
        return process.returncode, process.stdout

    @property
    def _options(self) -> dict[str, Any]:
        return {
            "env": self.environment,
            "cwd": "/",
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
            "text": True,
        }


class Deployed(MeltanoProject):
    """The repository's project as it stands on a server, its schedulers beside it."""

    def __init__(self, folder: Path, ycm: Sandbox, database: str) -> None:
        super().__init__(folder / "project", "target-postgres")
        self.ycm, self.database, self.schema = ycm, database, folder.name
        self._home = folder / "home"
        self._home.mkdir()
        self._bare = {"HOME": str(self._home), "PATH": "/usr/bin:/bin"}
        self._target = target_postgres(database, default_target_schema=self.schema)
        self.deploy()

    def deploy(self, **environment: str) -> None:
        super().deploy(**{**credentials(self.ycm), **self._target, **environment})

    def copy(self, example: str, folder: Path) -> Path:
        """Copy an example as a user does, changing the folder; and its retries come at once."""
        text = (EXAMPLES / example).read_text(encoding="utf-8").replace("/srv/ycm", str(self.folder))
        for there, here in LATER.items():
            text = text.replace(there, here)
        folder.mkdir(exist_ok=True)
        copy = folder / example.rpartition("/")[2]
        copy.write_text(text, encoding="utf-8")
        copy.chmod((EXAMPLES / example).stat().st_mode)
        return copy

    def cron(self) -> Scheduler:
        self.copy("cron/run-job", self.folder)
        (job,) = crontab(self.copy("cron/crontab", self._home))
        return Scheduler(["/bin/sh", "-c", job["command"]], self._bare)

    def airflow(self) -> Scheduler:
        airflow = installed(AIRFLOW, "airflow")
        dags = self._home / "dags"
        self.copy("airflow/ycm.py", dags)
        environment = self._bare | {
            "AIRFLOW_HOME": str(self._home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "DO_NOT_TRACK": "1",
        }
        status, output = Scheduler([airflow, "db", "migrate"], environment).run()
        assert status == 0, output
        return Scheduler([airflow, "dags", "test", "ycm"], environment, tries=2)

    def dagster(self) -> Scheduler:
        code = self.copy("dagster/ycm.py", self._home)
        environment = self._bare | {"DAGSTER_HOME": str(self._home), "DAGSTER_DISABLE_TELEMETRY": "1"}
        command = [installed(DAGSTER, "dagster"), "job", "execute", "--python-file", str(code), "--job", "ycm"]
        return Scheduler(command, environment, tries=2)

    def loaded(self) -> list[dict[str, Any]]:
        return customers(self.database, f"{self.schema}.customers")


def crontab(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a crontab, as a library reads them that reads all that cron does."""
    script = (
        "import json, sys, crontab; jobs = crontab.CronTab(tabfile=sys.argv[1]).crons;"
        "print(json.dumps([{'valid': job.is_valid(), 'slices': str(job.slices), 'command': job.command,"
        " 'environment': dict(job.env.all())} for job in jobs]))"
    )
    command = [installed(CRONTAB, "python"), "-c", script, str(path)]
    read = subprocess.run(command, env=CLEAN_ENVIRONMENT, capture_output=True, check=True, text=True, timeout=60)
    assert not read.stderr
    jobs: list[dict[str, Any]] = json.loads(read.stdout)
    return jobs


@pytest.fixture
def project(sandbox: Callable[..., Sandbox], database: str, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    return Deployed(tmp_path_factory.mktemp("scheduled"), sandbox(60), database)


@pytest.mark.parametrize("engine", ["cron", "airflow", "dagster"])
def test_it_loads_the_table_and_a_failure_fails(engine: str, project: Deployed) -> None:
    scheduler: Scheduler = getattr(project, engine)()
    status, output = scheduler.run()
    assert status == 0, output
    assert project.loaded() == (before := truth(project.ycm))

    project.ycm.world.create()
    project.deploy(TAP_YCM_CLIENT_SECRET="wrong")  # noqa: S106 - on purpose
    status, output = scheduler.run()
    assert status == 1, output
    assert output.count(REFUSED) == scheduler.tries
    assert project.loaded() == before

    project.deploy()
    status, output = scheduler.run()
    assert status == 0, output
    assert project.loaded() == truth(project.ycm)


def test_cron_is_quiet_but_for_failures(project: Deployed) -> None:
    scheduler = project.cron()
    assert scheduler.run() == (0, "")
    project.deploy(TAP_YCM_CLIENT_SECRET="wrong")  # noqa: S106 - on purpose
    _, mailed = scheduler.run()
    log = (project.folder / "logs" / "ycm-to-postgres.log").read_text(encoding="utf-8")
    assert "customers: complete; 60 read" in log
    assert "customers: complete" not in mailed  # only of the run that failed
    assert log.endswith(mailed)


def test_a_second_sync_at_once_is_refused_and_the_first_goes_on(project: Deployed) -> None:
    scheduler, ycm = project.cron(), project.ycm
    arrived, release = threading.Event(), threading.Event()

    def hold(_number: int) -> None:
        arrived.set()
        release.wait()

    ycm.before_answer = hold
    with scheduler.start() as first:
        try:
            assert arrived.wait(60)
            status, output = scheduler.run()
        finally:
            release.set()
        first_output, _ = first.communicate(timeout=60)
    assert status == 1
    assert "already running" in output
    assert first.returncode == 0, first_output
    assert project.loaded() == truth(ycm)


def test_all_have_the_schedule_of_meltano_yml(project: Deployed, tmp_path: Path) -> None:
    listed = project.meltano("schedule", "list")
    (line,) = [line for line in listed.stdout.splitlines() if SCHEDULE in line]
    assert "ycm-to-postgres → ['tap-ycm target-postgres']" in line
    schedules = yaml.safe_load((REPOSITORY / "meltano.yml").read_text(encoding="utf-8"))["schedules"]
    interval, job = next((one["interval"], one["job"]) for one in schedules if one["name"] == SCHEDULE)
    (cron,) = crontab(project.copy("cron/crontab", tmp_path))
    assert cron["valid"]
    assert cron["environment"] == {"MAILTO": "you@example.com"}
    assert cron["slices"] == interval
    assert shlex.split(cron["command"]) == [str(project.folder / "run-job"), job]
    for example in ("airflow/ycm.py", "dagster/ycm.py"):
        text = (EXAMPLES / example).read_text(encoding="utf-8")
        assert f'schedule="{interval}"' in text
        assert f'"{job}"' in text


def test_meltano_runs_a_schedule_by_name(project: Deployed) -> None:
    process = project.meltano("schedule", "run", SCHEDULE)
    assert process.returncode == 0, process.stderr
    assert project.loaded() == truth(project.ycm)
    project.deploy(TAP_YCM_CLIENT_SECRET="wrong")  # noqa: S106 - on purpose
    process = project.meltano("schedule", "run", SCHEDULE)
    assert process.returncode == 1
    assert REFUSED in process.stderr
