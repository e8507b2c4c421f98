"""What is written for Terraform is what the code says now."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tombola.ports.documents import COLLECTIONS
from tombola.ports.objects import BUCKETS
from tombola.runtime import topology
from tombola.runtime.infrastructure import generated, main

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "infra" / "terraform" / "generated"


def test_the_generated_files_are_not_stale() -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == generated()


def test_a_stale_or_missing_file_is_named_and_can_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 1
    assert main(["--write", str(tmp_path)]) == 0
    (tmp_path / "topology.json").write_text("{}", encoding="utf-8")
    capsys.readouterr()
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().err.splitlines()[0].startswith(f"{tmp_path / 'topology.json'} is not what the code says")


def test_terraform_knows_every_bucket_topic_collection_and_table() -> None:
    files = {name: json.loads(text) for name, text in generated().items()}
    assert files["topology.json"]["buckets"] == list(BUCKETS)
    physical = [name for lanes in files["topology.json"]["topics"].values() for name in lanes.values()]
    assert physical == topology.topics()
    unindexed = {one["collection"] for one in files["documents.json"]["field_overrides"] if one["field"] == "*"}
    assert unindexed == set(COLLECTIONS)
    tables = {one["table_id"] for one in files["warehouse.json"]["tables"] + files["warehouse.json"]["views"]}
    holds = files["warehouse.json"]["holds"]
    assert set(holds) == set(topology.TABLES)
    assert {table for one in holds.values() for table in (*one["read"], *one["write"])} == tables


def test_the_pages_of_the_modules_tell_what_goes_in_and_comes_out() -> None:
    done = subprocess.run(
        [sys.executable, "tools/terraform_pages.py"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
