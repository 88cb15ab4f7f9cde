"""What README says of each target is what is measured; and the measure notices what it should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from matrix import README, table_in, table_of, with_table
from matrix_compare import differences, fate
from matrix_measure import measure
from matrix_targets import TARGETS, Target
from meltano_project import MeltanoProject
from warehouse import KINDS, truth

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_ycm.sandbox import Sandbox

TABLE = table_in(README.read_text(encoding="utf-8"))
EXACT = {
    "target-postgres": "yes",
    "target-s3": "yes",
    "target-jsonl": "yes",
    "target-duckdb": "but for empty text",
    "target-csv": "but for empty text",
}


@pytest.mark.targets
@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
def test_a_target_does_what_readme_says(target: Target, tmp_path: Path) -> None:
    measured = measure(target, tmp_path)
    assert measured.exact == EXACT[target.name]
    assert measured.line in TABLE.splitlines()


@pytest.mark.targets
@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
def test_a_target_takes_every_row_and_column_of_every_stream(
    target: Target, sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    ycm = sandbox(60)
    project = MeltanoProject(tmp_path / "project", target.name)
    del project.extractor["select"]
    loader = next(plugin for plugin in project.content["plugins"]["loaders"] if plugin["name"] == target.name)
    (store := tmp_path / "store").mkdir(mode=0o700)
    with target.place(store) as place:
        loader["config"] = {**place.settings}
        project.run("tap-ycm", target.name, ycm=ycm, **place.environment)
        for name, kind in KINDS.items():
            rows, wanted = place.read(name), truth(ycm, name)
            assert len(rows) == len(wanted), name
            keys = [column for column in kind.keys if column != "snapshotAt"]
            # Some change upper and lower case, and a CSV file knows nothing but text.
            found = [{column.lower(): value for column, value in row.items()} for row in rows]
            assert {tuple(str(row[column.lower()]) for column in keys) for row in found} == {
                tuple(map(str, key)) for key in wanted
            }, name
            if target.name != "target-postgres":  # whose loader renames some: tests/targets/test_postgres_streams.py
                assert {column.lower() for row in wanted.values() for column in row} <= found[0].keys(), name


def test_readme_has_a_line_for_each_target_and_no_other() -> None:
    lines = TABLE.splitlines()[2:]
    assert table_of(lines) == TABLE
    assert [line.split("`")[1] for line in lines] == [target.name for target in TARGETS]


def test_a_new_table_takes_the_place_of_the_old_one() -> None:
    readme = README.read_text(encoding="utf-8")
    for new in ("", r"| a \n new | one |"):
        assert table_in(with_table(readme, new)) == new
        assert with_table(with_table(readme, new), TABLE) == readme
    with pytest.raises(ValueError, match="once each"):
        table_in(readme + "\n" + readme)


@pytest.mark.parametrize(
    ("rows", "noticed"),
    [
        ([{"customerId": 2, "city": ""}], []),
        ([{"customerId": 2, "city": "old"}, {"customerId": 2, "city": ""}], []),
        ([{"customerId": 2, "city": ""}, {"customerId": 2, "city": "old"}], ["`''` arrives as `'old'`"]),
        ([{"customerId": 2, "city": None}], ["`''` arrives as null"]),
        ([{"customerId": 2.0, "city": ""}], ["`2` arrives as `2.0`"]),
        ([{"customerId": 2}], ["column `city` is missing"]),
        ([], ["customers are missing"]),
        ([{"customerId": 2, "city": "", "_sdc_deleted_at": "2026"}], ["customers are marked as deleted who are not"]),
        ([{"customerId": 2, "city": ""}, {"customerId": 1}], []),
        ([{"customerId": 2, "city": ""}, {"customerId": 3}], ["rows of customers who never were"]),
    ],
)
def test_the_comparison_notices_every_difference(rows: list[dict[str, Any]], noticed: list[str]) -> None:
    assert list(differences({2: {"customerId": 2, "city": ""}}, rows, gone={1})) == noticed


def test_the_comparison_tells_what_became_of_customers_who_are_gone() -> None:
    rows: list[dict[str, Any]] = [
        {"customerId": 1, "_sdc_deleted_at": None},
        {"customerId": 2, "_sdc_deleted_at": "2026"},
        {"customerId": 3},
    ]
    assert [fate({key}, rows) for key in (1, 2, 3, 4)] == ["stay", "marked", "stay", "removed"]
    assert fate({1, 2, 3, 4}, rows) == "marked or removed or stay"
