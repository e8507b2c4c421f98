"""Least privilege: what an account may do is what its manifest names, to the last grant."""

import re

from tests.infra.checkouts import Plan
from tests.infra.policies import named_grants, planned_grants

from tombola.runtime.manifests import Manifest

DEV, PROD = "tombola-dev-", "tombola-prod-"


def test_grants_are_exactly_those_that_the_manifests_name(dev: Plan, manifests: dict[str, Manifest]) -> None:
    planned, named = planned_grants(dev, DEV), named_grants(manifests)
    assert planned - named == set()
    assert named - planned == set()


def test_with_telemetry_each_function_may_also_send_spans_and_metrics(
    prod: Plan, manifests: dict[str, Manifest]
) -> None:
    telemetry = {"roles/telemetry.metricsWriter", "roles/telemetry.tracesWriter"}
    more = planned_grants(prod, PROD) - named_grants(manifests)
    assert more == {(name, role, "project") for name in manifests for role in telemetry}


def test_a_grant_that_no_manifest_names_is_found(careless: Plan, manifests: dict[str, Manifest]) -> None:
    found = planned_grants(careless, DEV) - named_grants(manifests)
    assert ("play_game", "roles/editor", "project") in found
    assert ("play_game", "roles/storage.objectViewer", "bucket audit") in found


def test_who_issues_reads_no_seed_and_who_draws_reads_no_id_key(dev: Plan) -> None:
    grants = planned_grants(dev, DEV)
    id_keys, seeds = (
        {name for name, _, what in grants if re.fullmatch(f"key campaign-.*-{end}", what)} for end in ("id", "seed")
    )
    assert seeds == {"play_game"}
    assert id_keys == {"issue_token", "check_out", "enter_free"}
