"""Stores and the edge: what the code declares is what is made, and what is public is limited."""

import json

from tests.infra.checkouts import Plan

from tombola.ports.indexes import composite_indexes, field_overrides
from tombola.runtime import topology
from tombola.runtime.manifests import HttpTrigger, Manifest


def test_composite_indexes_are_those_of_the_code(dev: Plan) -> None:
    planned = [
        {
            "collection": one.values["collection"],
            "fields": [{"field": field["field_path"], "order": field["order"]} for field in one.values["fields"]],
        }
        for one in dev.of("google_firestore_index")
    ]
    assert sorted(planned, key=str) == sorted(composite_indexes(), key=str)


def test_fields_are_indexed_and_expire_as_the_code_says(dev: Plan) -> None:
    planned = {
        (one.values["collection"], one.values["field"]): (
            [index["order"] for config in one.values["index_config"] for index in config["indexes"]],
            bool(one.values["ttl_config"]),
        )
        for one in dev.of("google_firestore_field")
    }
    declared = {(one["collection"], one["field"]): (one["indexes"], one["expires"]) for one in field_overrides()}
    whole = {collection for collection, field in declared if field == "*"}
    assert planned == {place: what for place, what in declared.items() if place[1] != "*"}
    assert {one.address for one in dev.of("terraform_data")} == {
        f'terraform_data.unindexed["{name}"]' for name in whole
    }


def test_topics_are_those_of_the_code(dev: Plan) -> None:
    names = {one.values["name"] for one in dev.of("google_pubsub_topic")}
    assert names == {*topology.topics(), "key-rotations"}
    assert all(not one.values["schema_settings"] for one in dev.of("google_pubsub_topic"))


def test_stored_topics_write_to_the_table_of_their_messages(dev: Plan) -> None:
    tables = {one.values["table_id"] for one in dev.of("google_bigquery_table")}
    for one in topology.store_subscriptions():
        (stored,) = (each for each in dev.of("google_pubsub_subscription") if each.values["name"] == one.name)
        (target,) = stored.values["bigquery_config"]
        assert target["table"] == f"tombola-dev.events.{one.table}_messages"
        assert target["write_metadata"]
        assert {f"{one.table}_messages", one.table} <= tables


def test_signing_keys_are_made_without_a_value_and_come_due_in_ninety_days(dev: Plan) -> None:
    secrets = {one.values["secret_id"]: one.values for one in dev.of("google_secret_manager_secret")}
    assert set(secrets) == {"tombola-token-signing", "tombola-receipt-signing", "tombola-head-signing"}
    assert {one["rotation"][0]["rotation_period"] for one in secrets.values()} == {f"{90 * 24 * 60 * 60}s"}
    assert dev.of("google_secret_manager_secret_version") == []


def test_there_is_no_key_file_anywhere(prod: Plan) -> None:
    assert prod.of("google_service_account_key", "google_storage_hmac_key") == []


def test_every_public_function_is_behind_the_balancer_with_a_limit(prod: Plan, manifests: dict[str, Manifest]) -> None:
    public = {one.service for one in manifests.values() if isinstance(one.trigger, HttpTrigger) and one.trigger.public}
    (routes,) = prod.of("google_compute_url_map")
    rules = [rule for matcher in routes.values["path_matcher"] for rule in matcher["path_rule"]]
    assert sorted(rule["paths"] for rule in rules) == sorted([f"/{name}", f"/{name}/*"] for name in public)
    assert {one.values["name"] for one in prod.of("google_compute_backend_service")} == public
    limits = {
        one.values["name"]: rule["rate_limit_options"][0]["rate_limit_threshold"][0]["count"]
        for one in prod.of("google_compute_security_policy")
        for rule in one.values["rule"]
        if rule["action"] == "throttle"
    }
    assert limits == {"shoppers": 120, "retailers": 6000}


def test_dev_has_no_balancer_and_nothing_that_costs_when_it_does_nothing(dev: Plan) -> None:
    costly = ("google_compute_global_forwarding_rule", "google_composer_environment", "google_compute_security_policy")
    assert dev.of(*costly) == []
    scaling = [one.values["template"][0]["scaling"][0] for one in dev.of("google_cloud_run_v2_service")]
    assert {one["min_instance_count"] for one in scaling} == {0}


def test_every_public_function_promises_to_answer_and_each_burnt_budget_is_told(
    prod: Plan, manifests: dict[str, Manifest]
) -> None:
    public = {one.service for one in manifests.values() if isinstance(one.trigger, HttpTrigger) and one.trigger.public}
    promises = {one.values["slo_id"]: one.values for one in prod.of("google_monitoring_slo")}
    assert {f"{name}-{what}" for name in public for what in ("answers", "in-time")} <= set(promises)
    assert {f"{one.service}-fresh" for one in manifests.values() if one.listens_to} <= set(promises)
    told = {one.values["display_name"] for one in prod.of("google_monitoring_alert_policy")}
    assert {f"{name} answers: budget spent {speed}" for name in public for speed in ("fast", "slow")} <= told
    assert {f"{name} fails or falls behind" for name in manifests} <= told


def test_the_dashboard_asks_of_what_is_counted(prod: Plan) -> None:
    counted = {f"logging.googleapis.com/user/{one.values['name']}" for one in prod.of("google_logging_metric")}
    (page,) = prod.of("google_monitoring_dashboard")
    asked = json.loads(page.values["dashboard_json"])["gridLayout"]["widgets"]
    filters = [
        series["timeSeriesQuery"]["timeSeriesFilter"]["filter"]
        for widget in asked
        for series in widget["xyChart"]["dataSets"]
    ]
    ours = {words.split('"')[1] for words in filters if "logging.googleapis.com/user" in words}
    assert ours == counted
    titles = " ".join(widget["title"] for widget in asked)
    assert all(
        word in titles for word in ("Feeds", "Orders", "Plays", "Pool", "Errors", "Dead letters", "Latency", "Cost")
    )
