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


def failed(*words: str, within: Path) -> set[str]:
    """Return which checks failed, and on what."""
    return {
        f"{one['check_id']} {one['resource']}"
        for part in found(*words, within=within)
        for one in part.get("results", {}).get("failed_checks", [])
    }


def test_the_files_have_no_finding(checkout: Checkout) -> None:
    words = ("--directory", ".", "--framework", "terraform", "--var-file", "environments/prod.tfvars")
    assert failed(*words, within=checkout.terraform) == set()


def test_the_plan_of_prod_has_no_finding(checkout: Checkout, prod: Plan) -> None:
    file = checkout.folder / "prod.json"
    file.write_text(json.dumps(prod.content), encoding="utf-8")
    words = ("--file", str(file), "--repo-root-for-plan-enrichment", ".")
    summaries = [part["summary"] for part in found(*words, within=checkout.terraform)]
    assert [one["failed"] for one in summaries] == [0]
    assert summaries[0]["passed"] > len(prod.resources)


def test_a_bucket_without_protection_is_found(damaged: Checkout) -> None:
    damaged.write(
        "careless.tf",
        'resource "google_storage_bucket" "careless" {\n  name     = "careless"\n  location = "EU"\n}\n',
    )
    told = failed("--file", "careless.tf", "--framework", "terraform", within=damaged.terraform)
    assert "CKV_GCP_29 google_storage_bucket.careless" in told


def test_every_check_that_is_skipped_has_its_reason_beside_it(checkout: Checkout) -> None:
    skips = [
        skip for path in checkout.terraform.rglob("*.tf") for skip in SKIP.findall(path.read_text(encoding="utf-8"))
    ]
    assert skips
    assert [check for check, reason in skips if len(reason.removeprefix(":").split()) < 4] == []
