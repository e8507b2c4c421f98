"""What checkov finds: nothing, in the files and in the plan of prod; what it skips has its reason beside it."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.infra.checkouts import Checkout, Plan

CHECKOV = os.environ.get("CHECKOV", "checkov")
SKIP = re.compile(r"#\s*checkov:skip=(\w+)(.*)")


def found(*words: str, within: Path) -> list[dict[str, Any]]:
    """Return checkov's summaries of what it looked at."""
    command = [CHECKOV, *words, "--skip-download", "--quiet", "--compact", "--output", "json"]
    done = subprocess.run(command, cwd=within, check=False, capture_output=True, text=True)
    assert done.returncode in {0, 1}, done.stderr
    said = json.loads(done.stdout)
    return said if isinstance(said, list) else [said]


def test_the_files_have_no_finding_but_in_what_is_careless(damaged: Checkout) -> None:
    damaged.write(
        "careless.tf",
        'resource "google_storage_bucket" "careless" {\n  name     = "careless"\n  location = "EU"\n}\n',
    )
    words = ("--directory", ".", "--framework", "terraform", "--var-file", "environments/prod.tfvars")
    told = [one for part in found(*words, within=damaged.terraform) for one in part["results"]["failed_checks"]]
    assert {one["resource"] for one in told} == {"google_storage_bucket.careless"}
    assert "CKV_GCP_29" in {one["check_id"] for one in told}


def test_the_plan_of_prod_has_no_finding(checkout: Checkout, prod: Plan) -> None:
    file = checkout.folder / "prod.json"
    file.write_text(json.dumps(prod.content), encoding="utf-8")
    words = ("--file", str(file), "--repo-root-for-plan-enrichment", ".")
    summaries = [part["summary"] for part in found(*words, within=checkout.terraform)]
    assert [one["failed"] for one in summaries] == [0]
    assert summaries[0]["passed"] > len(prod.resources)


def test_every_check_that_is_skipped_has_its_reason_beside_it(checkout: Checkout) -> None:
    skips = [
        skip for path in checkout.terraform.rglob("*.tf") for skip in SKIP.findall(path.read_text(encoding="utf-8"))
    ]
    assert skips
    assert [check for check, reason in skips if len(reason.removeprefix(":").split()) < 4] == []
