"""Many YCM accounts in one project: whatever becomes of one, the others' records and state stay as they should be."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest
import yaml
from harness import CLEAN_ENVIRONMENT, catalog_of, settings_for
from loaded import customers, target_postgres, truth
from meltano_project import REPOSITORY, MeltanoProject, credentials
from tables import Table
from warehouse import truth as truth_of

from tap_ycm.sandbox import Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness import Run

EXAMPLES = REPOSITORY / "examples"
ACME, GLOBEX = "prod:tap-ycm--acme-to-target-postgres", "prod:tap-ycm--globex-to-target-postgres"


class Accounts(MeltanoProject):
    """The example as it stands on a server, with a sandbox for each account."""

    def __init__(self, folder: Path, acme: Sandbox, globex: Sandbox, **environment: str) -> None:
        super().__init__(folder, "target-postgres", meltano_yml=EXAMPLES / "accounts" / "meltano.yml")
        shutil.copy(EXAMPLES / "accounts" / "run-all", folder)
        self.extractor["select"] = ["customers.*", "cloud_pbx_customers.*"]  # children, and their parent is not loaded
        self.acme, self.globex = acme, globex
        self.environment = {
            **credentials(acme, "TAP_YCM__ACME"),
            **credentials(globex, "TAP_YCM__GLOBEX"),
            **environment,
        }
        self.deploy()

    def deploy(self, **environment: str) -> None:
        super().deploy(**self.environment | environment)

    def run_all(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.folder / "run-all")],
            env=CLEAN_ENVIRONMENT,
            cwd="/",
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )

    def states(self) -> dict[str, tuple[str, str]]:
        """Return all that Meltano remembers of each pipeline, as it is written."""
        with closing(sqlite3.connect(self.folder / ".meltano" / "meltano.db")) as memory:
            rows = memory.execute("select state_id, completed_state, partial_state from state")
            return {state_id: (completed, partial) for state_id, completed, partial in rows}


@pytest.fixture
def accounts(sandbox: Callable[..., Sandbox], database: str, tmp_path: Path) -> Accounts:
    acme = sandbox(60)
    globex = sandbox(World(acme.world.ids()[:40], seed=8))
    return Accounts(tmp_path, acme, globex, **target_postgres(database))


def lose(ycm: Sandbox, count: int) -> list[int]:
    """Delete customers; returns who is gone."""
    gone = ycm.world.ids()[:count]
    for key in gone:
        ycm.world.delete(key)
    return gone


def links(database: str, schema: str) -> set[tuple[int, int]]:
    """Return which customers belong to which PBX, by a table."""
    rows = Table(database, schema, "cloud_pbx_customers").alive("cloudPbxId")
    return {(row["cloudPbxId"], row["customerId"]) for row in rows}


def ids(rows: list[dict[str, object]]) -> list[object]:
    return [row["customerId"] for row in rows]


@pytest.mark.slow
def test_what_becomes_of_one_account_does_not_reach_another(accounts: Accounts, database: str) -> None:
    acme, globex = accounts.acme, accounts.globex
    assert set(globex.world.ids()) < set(acme.world.ids())  # one id, two customers
    process = accounts.run_all()
    assert process.returncode == 0, process.stderr
    assert customers(database, "ycm_acme.customers") == (acmes := truth(acme, account="acme"))
    assert customers(database, "ycm_globex.customers") == truth(globex, account="globex")
    acmes_links, globexs_links = (set(truth_of(ycm, "cloud_pbx_customers")) for ycm in (acme, globex))
    assert {pbx for pbx, _ in acmes_links} & {pbx for pbx, _ in globexs_links}  # one id, two PBXs
    assert (links(database, "ycm_acme"), links(database, "ycm_globex")) == (acmes_links, globexs_links)
    before = accounts.states()
    assert set(before) == {ACME, GLOBEX}
    with psycopg.connect(database) as connection:
        connection.execute((EXAMPLES / "accounts" / "all_customers.sql").read_text(encoding="utf-8").encode())

    # The first of the accounts fails. The second loses customers, whose ids live on in the first.
    accounts.deploy(TAP_YCM__ACME_CLIENT_SECRET="wrong")  # noqa: S106 - on purpose
    gone = lose(globex, 3)
    globex.shake(delete=5, table="cloud_pbxs")
    process = accounts.run_all()
    assert process.returncode == 1
    assert process.stderr.splitlines()[-1] == "run-all: failed: customers-of-acme"
    assert "AUTHENTICATION_FAILED" in process.stdout + process.stderr
    assert accounts.states()[ACME] == before[ACME]
    assert accounts.states()[GLOBEX] != before[GLOBEX]
    assert customers(database, "ycm_acme.customers") == acmes
    assert not customers(database, "ycm_acme.customers", deleted=True)
    assert links(database, "ycm_acme") == acmes_links
    assert links(database, "ycm_globex") == set(truth_of(globex, "cloud_pbx_customers")) < globexs_links
    assert customers(database, "ycm_globex.customers") == truth(globex, account="globex")
    assert ids(customers(database, "ycm_globex.customers", deleted=True)) == gone
    view = customers(database, "ycm.all_customers")
    assert [row for row in view if row["account"] == "acme"] == acmes
    assert [row for row in view if row["account"] == "globex"] == truth(globex, account="globex")
    assert len(view) == 60 + 37

    # The brake holds in one account, and is released in it by the variable that is its own.
    accounts.deploy()
    before = accounts.states()
    lose(acme, 20)
    process = accounts.meltano("run", "customers-of-acme")
    assert process.returncode == 1
    words = list(dict.fromkeys(re.findall(r"TAP_YCM_CONFIRM_DELETES=([\w-]+)", process.stderr)))
    assert [word.partition("-")[0] for word in words] == ["20", str(len(acmes_links))]  # customers, and their links
    assert (customers(database, "ycm_acme.customers"), links(database, "ycm_acme")) == (acmes, acmes_links)
    assert '"rows": 60' in accounts.states()[ACME][0]
    process = accounts.meltano("run", "customers-of-acme", TAP_YCM__ACME_CONFIRM_DELETES=words[0])
    assert process.returncode == 1  # one is released
    assert customers(database, "ycm_acme.customers") == truth(acme, account="acme")
    assert links(database, "ycm_acme") == acmes_links
    accounts.run("customers-of-acme", TAP_YCM__ACME_CONFIRM_DELETES=words[1])
    assert links(database, "ycm_acme") == set(truth_of(acme, "cloud_pbx_customers"))
    assert '"rows": 40' in accounts.states()[ACME][0]
    assert accounts.states()[GLOBEX] == before[GLOBEX]
    assert customers(database, "ycm_globex.customers") == truth(globex, account="globex")


def test_an_account_never_takes_the_credentials_of_another(accounts: Accounts) -> None:
    for name in ("CLIENT_ID", "CLIENT_SECRET"):
        del accounts.environment[f"TAP_YCM__ACME_{name}"]
    accounts.deploy()
    process = accounts.meltano("invoke", "tap-ycm--acme", "--test", ycm=accounts.globex)
    assert process.returncode == 1
    assert "credentials are missing" in process.stderr
    assert not accounts.globex.requests


@pytest.mark.slow
def test_one_table_holds_both_accounts_when_deletes_are_off(accounts: Accounts, database: str) -> None:
    section = (EXAMPLES / "README.md").read_text(encoding="utf-8").partition("## Many accounts in one table")[2]
    (snippet,) = re.findall(r"```yaml\n(.+?)```", section, re.DOTALL)
    for plugin, account in zip(accounts.content["plugins"]["extractors"][1:], ("acme", "globex"), strict=True):
        plugin |= yaml.safe_load(snippet.replace("acme", account))  # noqa: PLW2901 - changes the entry itself
    accounts.run("customers-of-acme", "customers-of-globex")
    rows = customers(database, "ycm.customers")
    assert [row for row in rows if row["account"] == "acme"] == truth(accounts.acme, account="acme")
    assert [row for row in rows if row["account"] == "globex"] == truth(accounts.globex, account="globex")
    assert len(rows) == 60 + 40


@pytest.mark.parametrize(
    ("known", "selected"),
    [
        ("cloud_pbxs", "all"),
        ("cloud_pbxs", "cloud_pbx_customers"),  # its parent is read, too
        ("cloud_pbx_customers", "all"),
        ("cloud_pbx_customers", "cloud_pbx_customers"),
        ("subscription", "all"),
        ("user_subscriptions", "all"),
    ],
)
def test_another_account_is_refused_before_the_first_record_whichever_stream_has_a_state(
    known: str, selected: str, sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    ycm = sandbox(20)
    config = settings_for(ycm, emit_activate_version_messages=True, concurrency=4)
    state = tap(config=config, catalog="all").state
    state["bookmarks"] = {known: state["bookmarks"][known]}

    ycm.client_id = "another"
    ycm.reset_log()
    catalog = "all" if selected == "all" else catalog_of(selected)
    refused = tap(config={**config, "client_id": "another"}, state=state, catalog=catalog)
    assert refused.status == 1
    assert f"{known}: the state belongs to another account" in refused.error
    assert not refused.records
    assert not ycm.requests
