"""Who deploys: triggers that run what is in the checkout, as accounts that may do no more than that."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.infra.checkouts import HASH, ROOT, Checkout, Plan

DEV_DEPLOYS = "serviceAccount:tombola-deploy@tombola-dev.iam.gserviceaccount.com"


def triggers(plan: Plan) -> dict[str, dict[str, Any]]:
    """Return the triggers that are planned, by name."""
    return {one.values["name"]: one.values for one in plan.of("google_cloudbuild_trigger")}


def test_commits_are_checked_in_dev_and_handed_on_to_prod(dev: Plan, prod: Plan) -> None:
    assert set(triggers(dev)) == {"pull-request", "branch", "deploy"}
    assert set(triggers(prod)) == {"deploy"}
    assert triggers(dev)["branch"]["substitutions"]["_NEXT"] == "tombola-dev/europe-west1/deploy"
    assert triggers(dev)["deploy"]["substitutions"]["_NEXT"] == "tombola-prod/europe-west1/deploy"
    assert "_NEXT" not in triggers(dev)["pull-request"]["substitutions"]
    assert triggers(prod)["deploy"]["substitutions"]["_NEXT"] == ""


def test_a_deployment_of_prod_waits_for_an_operator(dev: Plan, prod: Plan) -> None:
    waits = [triggers(plan)["deploy"]["approval_config"][0]["approval_required"] for plan in (dev, prod)]
    assert waits == [False, True]
    granted = {(one.values["role"], one.values.get("member")) for one in prod.of("google_project_iam_member")}
    assert ("roles/cloudbuild.builds.approver", "group:tombola-operators@example.com") in granted
    assert [role for role, member in granted if member == DEV_DEPLOYS] == [
        "projects/tombola-prod/roles/tombolaDeploymentStarter"
    ]


def test_a_trigger_runs_a_build_of_the_checkout_and_gives_it_what_it_asks_for(dev: Plan, prod: Plan) -> None:
    for plan in (dev, prod):
        for trigger in triggers(plan).values():
            file = trigger["filename"] or trigger["git_file_source"][0]["path"]
            build = yaml.safe_load(Path(ROOT, file).read_text(encoding="utf-8"))
            assert trigger["substitutions"].keys() <= build["substitutions"].keys()
            assert "@sha256:" in trigger["substitutions"]["_BUILDER"]


def test_a_pull_request_changes_nothing_but_what_it_checked(dev: Plan) -> None:
    looks = [one for one in dev.resources if ".looks[" in one.address]
    grants = [one.values for one in looks if "role" in one.values]
    assert {one["role"] for one in grants} == {
        "roles/iam.securityReviewer", "roles/logging.logWriter", "roles/storage.objectCreator", "roles/viewer"
    }  # fmt: skip
    (creates,) = [one for one in grants if one["role"] == "roles/storage.objectCreator"]
    assert creates["condition"][0]["expression"].endswith('/objects/checked/")')


def test_the_words_of_a_deployment_are_terraforms_and_split_the_traffic(
    checkout: Checkout, manifests: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import deploy  # noqa: PLC0415 (a script of tools/)

    split = {"play_game": {"revision": "play-game-00001-abc", "percent": 90}}
    _, words = deploy.commands("plan", "prod", json.dumps(dict.fromkeys(manifests, HASH)), json.dumps(split))
    said = checkout.asked(*words)
    assert said.count('"play-game-00001-abc"') == 1
    assert "to destroy" in said
