"""What is planned: every function as its manifest says, and how it is called."""

from tests.infra.checkouts import HASH, Plan
from tests.infra.policies import seen_by_everybody, without_dead_letters

from tombola.events import topic_name
from tombola.runtime import topology
from tombola.runtime.manifests import HttpTrigger, Manifest, ScheduleTrigger

DEV, PROD = "tombola-dev-", "tombola-prod-"
PUBSUB = "serviceAccount:service-100000000001@gcp-sa-pubsub.iam.gserviceaccount.com"
STORAGE = "serviceAccount:service-100000000001@gs-project-accounts.iam.gserviceaccount.com"


def test_the_plan_of_dev_lists_every_function_with_account_trigger_and_dead_letters(
    dev: Plan, manifests: dict[str, Manifest]
) -> None:
    listed = dev.outputs["functions"]
    assert set(listed) == set(manifests)
    for name, one in manifests.items():
        assert listed[name]["account"] == f"fn-{one.service}@tombola-dev.iam.gserviceaccount.com"
        assert listed[name]["account"] in dev.said
        assert listed[name]["dead_letters"] == (topology.DEAD_LETTERS if one.listens_to else None)
        topic, lanes = one.listens_to or ("", ())
        assert all(f"topic {topic_name(topic, lane)}" in listed[name]["trigger"] for lane in lanes)
        assert one.listens_to or listed[name]["trigger"].startswith(("HTTP", "schedule"))
    accounts = {one.function: one.values["account_id"] for one in dev.of("google_service_account") if one.function}
    assert accounts == {name: f"fn-{one.service}" for name, one in manifests.items()}


def test_subscriptions_are_those_of_the_local_runner_and_insist_as_much(
    dev: Plan, manifests: dict[str, Manifest]
) -> None:
    wanted = {one.name: one for one in [*topology.subscriptions(manifests), *topology.store_subscriptions()]}
    planned = {
        one.values["name"]: one.values for one in dev.of("google_pubsub_subscription") if one.values["retry_policy"]
    }
    assert set(planned) == set(wanted)
    for name, one in wanted.items():
        found, (policy,), (letters,) = planned[name], planned[name]["retry_policy"], planned[name]["dead_letter_policy"]
        assert found.get("topic", one.topic).rpartition("/")[2] == one.topic
        assert found["ack_deadline_seconds"] == one.retry.ack_deadline
        assert policy["minimum_backoff"] == f"{one.retry.minimum_backoff}s"
        assert policy["maximum_backoff"] == f"{one.retry.maximum_backoff}s"
        assert letters["max_delivery_attempts"] == one.retry.max_attempts
        assert letters["dead_letter_topic"].endswith(f"/{topology.DEAD_LETTERS}")
        assert found["expiration_policy"] == [{"ttl": ""}]
        assert not found["enable_message_ordering"]


def test_every_push_bears_a_token(dev: Plan, manifests: dict[str, Manifest]) -> None:
    pushes = [push for one in dev.of("google_pubsub_subscription") for push in one.values["push_config"]]
    assert len(pushes) == len(topology.subscriptions(manifests))
    bearers = {token["service_account_email"] for push in pushes for token in push["oidc_token"]}
    assert bearers == {"tombola-push@tombola-dev.iam.gserviceaccount.com"}
    assert all(push["oidc_token"] for push in pushes)


def test_pub_sub_may_move_from_every_subscription_what_it_gives_up(dev: Plan, manifests: dict[str, Manifest]) -> None:
    granted = [one.values for one in dev.resources if one.values.get("member") == PUBSUB]
    takes = {one["subscription"] for one in granted if one["role"] == "roles/pubsub.subscriber"}
    assert takes == {one.name for one in [*topology.subscriptions(manifests), *topology.store_subscriptions()]}
    assert [one["topic"] for one in granted if one["role"] == "roles/pubsub.publisher"] == [topology.DEAD_LETTERS]


def test_a_function_without_a_dead_letter_topic_is_found(dev: Plan, careless: Plan) -> None:
    assert without_dead_letters(dev) == set()
    assert "record-order-bulk" in without_dead_letters(careless)


def test_only_the_bucket_web_can_be_read_by_everybody(dev: Plan, prod: Plan, careless: Plan) -> None:
    assert seen_by_everybody(dev) == {f"{DEV}web"}
    assert seen_by_everybody(prod) == {f"{PROD}web"}
    assert f"{DEV}inbox" in seen_by_everybody(careless)


def test_services_run_as_their_manifests_say(prod: Plan, manifests: dict[str, Manifest]) -> None:
    services = {one.values["name"]: one for one in prod.of("google_cloud_run_v2_service")}
    lanes = {one.service: one.listens_to[1] if one.listens_to else ("live",) for one in manifests.values()}
    assert set(services) == {topic_name(service, lane) for service, some in lanes.items() for lane in some}
    for service in services.values():
        one, (template,) = manifests[str(service.function)], service.values["template"]
        (container,), (built,) = template["containers"], service.values["build_config"]
        assert container["resources"][0]["limits"]["memory"] == one.sizing.memory
        assert template["timeout"] == f"{one.sizing.timeout}s"
        assert template["max_instance_request_concurrency"] == one.sizing.concurrency
        assert container["image"] == f"europe-west1-docker.pkg.dev/tombola-prod/functions/{one.service}:{HASH}"
        assert built["source_location"] == f"gs://{PROD}artefacts/{one.service}/{HASH}.zip"
        assert built["function_target"] == one.name
        assert (service.values["invoker_iam_disabled"], service.values["ingress"]) == reached(one)


def reached(one: Manifest) -> tuple[bool, str]:
    """Return whether a function needs no account of Google's, and from where it is reached behind a load balancer."""
    match one.trigger:
        case HttpTrigger(public=True):
            return True, "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
        case HttpTrigger():
            return False, "INGRESS_TRAFFIC_ALL"
    return False, "INGRESS_TRAFFIC_INTERNAL_ONLY"


def test_services_know_the_names_that_the_environment_gives_things(prod: Plan) -> None:
    for service in prod.of("google_cloud_run_v2_service"):
        (container,) = service.values["template"][0]["containers"]
        told = {one["name"]: one.get("value") for one in container["env"]}
        assert (told["TOMBOLA_ADAPTERS"], told["TOMBOLA_PROJECT"]) == ("google", "tombola-prod")
        assert (told["TOMBOLA_BUCKET_PREFIX"], told["TOMBOLA_KEY_PREFIX"]) == (PROD, "tombola-")
        assert (told["TOMBOLA_DATASET"], told["TOMBOLA_LOCATION"]) == ("events", "EU")


def test_who_may_call_a_function_is_who_has_to(dev: Plan, manifests: dict[str, Manifest]) -> None:
    called = {one.function: one.values["member"] for one in dev.of("google_cloud_run_v2_service_iam_member")}
    push, clock = (f"serviceAccount:tombola-{name}@tombola-dev.iam.gserviceaccount.com" for name in ("push", "clock"))
    clocked = {name for name, one in manifests.items() if isinstance(one.trigger, ScheduleTrigger)}
    assert {name for name, member in called.items() if member == push} == {
        name for name, one in manifests.items() if one.listens_to
    }
    assert {name for name, member in called.items() if member == clock} == clocked
    assert {name for name, member in called.items() if member not in {push, clock}} == {"export_report"}


def test_schedules_are_those_of_the_manifests(dev: Plan, manifests: dict[str, Manifest]) -> None:
    jobs = {one.values["name"]: one.values for one in dev.of("google_cloud_scheduler_job")}
    clocked = {one.service: one.trigger for one in manifests.values() if isinstance(one.trigger, ScheduleTrigger)}
    assert {name: job["schedule"] for name, job in jobs.items()} == {
        name: one.schedule for name, one in clocked.items()
    }
    assert {(job["time_zone"], job["http_target"][0]["http_method"]) for job in jobs.values()} == {("Etc/UTC", "POST")}


def test_new_objects_of_the_inbox_are_announced(dev: Plan) -> None:
    (notification,) = dev.of("google_storage_notification")
    assert notification.values["bucket"] == f"{DEV}inbox"
    assert notification.values["event_types"] == ["OBJECT_FINALIZE"]
    granted = [one.values for one in dev.of("google_pubsub_topic_iam_member") if one.values.get("member") == STORAGE]
    assert [one["topic"] for one in granted] == ["inbox-objects"]
