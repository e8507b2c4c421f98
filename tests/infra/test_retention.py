"""How long each store keeps what may tell of a person: the numbers that the rules of privacy promise, in the plan."""

from tests.infra.checkouts import Plan, Resource

DAY = 24 * 60 * 60
LIVE = {"inbox": 14, "rejects": 14, "staging": 30}
"""Days after which objects leave; of other buckets they stay until somebody deletes them."""
OLDER = 7
FACTS = 1096
FOR_EVER = {"feed_products_rows", "feed_shoppers_rows", "loads"}
"""Tables of what is, not of what happened: the newest statement of a key holds however old it is."""


def buckets(plan: Plan) -> dict[str, Resource]:
    return {one.values["labels"]["bucket"]: one for one in plan.of("google_storage_bucket")}


def rules(bucket: Resource, state: str) -> list[int]:
    """Return the days after which live, or older, objects are deleted."""
    found = [rule["condition"][0] for rule in bucket.values["lifecycle_rule"] if rule["action"][0]["type"] == "Delete"]
    days = "age" if state == "LIVE" else "days_since_noncurrent_time"
    return [condition[days] for condition in found if condition["with_state"] == state]


def test_files_and_rejects_live_fourteen_days(dev: Plan, prod: Plan) -> None:
    for plan in (dev, prod):
        assert {name: rules(one, "LIVE") for name, one in buckets(plan).items()} == {
            name: [LIVE[name]] if name in LIVE else [] for name in buckets(plan)
        }


def test_older_versions_of_objects_leave_after_seven_days_and_nothing_else_keeps_them(dev: Plan, prod: Plan) -> None:
    for plan in (dev, prod):
        for name, bucket in buckets(plan).items():
            assert rules(bucket, "ARCHIVED") == [OLDER], name
            assert bucket.values["soft_delete_policy"] == [{"retention_duration_seconds": 0}], name
            assert bucket.values["versioning"] == [{"enabled": name != "audit"}], name


def test_heads_are_held_for_ten_years_and_nothing_else_is_held(prod: Plan) -> None:
    held = {name: one.values["retention_policy"] for name, one in buckets(prod).items()}
    assert held.pop("audit") == [{"retention_period": 3653 * DAY, "is_locked": True}]
    assert not any(held.values())


def test_messages_and_dead_letters_are_kept_seven_days(dev: Plan) -> None:
    for one in dev.of("google_pubsub_topic", "google_pubsub_subscription"):
        assert one.values["message_retention_duration"] == f"{7 * DAY}s", one.address
    (letters,) = (one for one in dev.of("google_pubsub_subscription") if one.values["name"] == "dead-letters-kept")
    assert not letters.values["push_config"]


def test_facts_leave_the_warehouse_with_their_day_and_time_travel_is_two_days(dev: Plan) -> None:
    tables = {one.values["table_id"]: one.values for one in dev.of("google_bigquery_table") if not one.values["view"]}
    expiry = {name: [part["expiration_ms"] for part in one["time_partitioning"]] for name, one in tables.items()}
    assert expiry == {
        name: ([] if name == "loads" else [None]) if name in FOR_EVER else [FACTS * DAY * 1000] for name in tables
    }
    datasets = {one.values["dataset_id"]: one.values for one in dev.of("google_bigquery_dataset")}
    assert {one["max_time_travel_hours"] for one in datasets.values()} == {"48"}
    assert datasets["events_scratch"]["default_table_expiration_ms"] == 60 * 60 * 1000


def test_documents_can_be_brought_back_for_seven_days_and_expired_ones_go_by_themselves(prod: Plan) -> None:
    (database,) = prod.of("google_firestore_database")
    assert database.values["point_in_time_recovery_enablement"] == "POINT_IN_TIME_RECOVERY_ENABLED"
    assert database.values["delete_protection_state"] == "DELETE_PROTECTION_ENABLED"
    assert prod.of("google_firestore_backup_schedule") == []


def test_logs_are_kept_thirty_days(dev: Plan) -> None:
    (bucket,) = dev.of("google_logging_project_bucket_config")
    assert bucket.values["retention_days"] == 30


def test_the_outputs_tell_the_same(dev: Plan) -> None:
    told = dev.outputs["retention"]
    assert (told["inbox_days"], told["rejects_days"], told["objects_older_days"]) == (14, 14, OLDER)
    assert (told["facts_days"], told["messages_days"], told["warehouse_travel_days"]) == (FACTS, 7, 2)
