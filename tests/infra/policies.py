"""What must hold of every plan, whatever is changed: each function names what breaks it."""

import re
from collections.abc import Iterator, Mapping

from tests.infra.checkouts import Plan, Resource

from tombola.events import topic_name
from tombola.ports.warehouse_layout import LOADS, messages_table, rows_table, scratch_dataset
from tombola.runtime import topology
from tombola.runtime.manifests import Manifest

Grant = tuple[str, str, str]
"""Function, role, and what it is granted on."""
EVERYBODY = {"allUsers", "allAuthenticatedUsers"}
KEYS = (
    "webhook-corner-shop", "webhook-other", "pseudonym-corner-shop", "campaign-autumn-v1-id", "campaign-autumn-v1-seed",
    "campaign-spring-seed-v2-id", "campaign-spring-id-v2-seed", "token-signing", "receipt-signing", "head-signing",
    "token-signing-old", "not-token-signing",
)  # fmt: skip
"""Names of keys to ask conditions about."""


def without_dead_letters(plan: Plan) -> set[str]:
    """Return subscriptions that call or store, and give up a message that nobody keeps."""
    topics = {one.values["name"] for one in plan.of("google_pubsub_topic")}
    return {
        one.values["name"]
        for one in plan.of("google_pubsub_subscription")
        if one.values.get("push_config") or one.values.get("bigquery_config")
        if not any(
            policy["dead_letter_topic"].rpartition("/")[2] in topics for policy in one.values["dead_letter_policy"]
        )
    }


def seen_by_everybody(plan: Plan) -> set[str]:
    """Return what everybody on the internet may read or do, or might be given by mistake."""
    granted = {
        str(one.values.get("bucket") or one.address)
        for one in plan.resources
        if one.values.get("member") in EVERYBODY or EVERYBODY & set(one.values.get("members") or ())
    }
    unprotected = {
        one.values["name"]
        for one in plan.of("google_storage_bucket")
        if one.values["public_access_prevention"] != "enforced" or not one.values["uniform_bucket_level_access"]
    }
    return granted | unprotected


def planned_grants(plan: Plan, prefix: str) -> set[Grant]:
    """Return every grant to an account of a function, wherever it stands in the configuration."""
    return {
        (name, one.values["role"].rpartition("/")[2] if "projects/" in one.values["role"] else one.values["role"], what)
        for one in plan.resources
        if one.type.endswith(("_iam_member", "_iam_binding", "_iam_policy"))
        if (name := _granted_to(one))
        for what in _granted_on(one, prefix)
    }


def named_grants(manifests: Mapping[str, Manifest]) -> set[Grant]:
    """Return the grants that the manifests name, and what they come to."""
    return {(name, role, what) for name, one in manifests.items() for role, what in _named(one)}


def _named(one: Manifest) -> Iterator[tuple[str, str]]:
    yield from (("roles/storage.objectViewer", f"bucket {name}") for name in one.reads.objects)
    yield from (("tombolaObjectWriter", f"bucket {name}") for name in one.writes.objects)
    if one.reads.documents or one.writes.documents:
        yield ("roles/datastore.user" if one.writes.documents else "roles/datastore.viewer"), "database (default)"
    for topic in (*one.publishes, *([topology.DEAD_LETTERS] if one.listens_to else [])):
        for lane in topology.TOPICS[topic].lanes:
            yield "roles/pubsub.publisher", f"topic {topic_name(topic, lane)}"
    for pattern in one.secrets:
        matches = re.compile(pattern.replace("*", ".*"))
        yield from (("tombolaKeyReader", f"key {name}") for name in KEYS if matches.fullmatch(name))
    yield from _named_in_the_warehouse(one)


def _named_in_the_warehouse(one: Manifest) -> Iterator[tuple[str, str]]:
    stored = {name: messages_table(name) for name in topology.TABLES if name not in topology.FEED_TABLES}
    behind = {name: rows_table(name) for name in topology.FEED_TABLES} | stored
    for name in one.reads.warehouse:
        yield from (("roles/bigquery.dataViewer", f"table {table}") for table in (name, behind[name]))
    for name in one.writes.warehouse:
        noted = [LOADS] if name in topology.FEED_TABLES else []
        yield from (("roles/bigquery.dataEditor", f"table {table}") for table in (behind[name], *noted))
    if one.reads.warehouse or one.writes.warehouse:
        yield "roles/bigquery.jobUser", "project"
        yield "roles/datacatalog.categoryFineGrainedReader", "personal columns"
    if one.reads.warehouse:
        yield "roles/bigquery.readSessionUser", "project"
        yield "roles/bigquery.dataEditor", f"dataset {scratch_dataset('events')}"


def _granted_to(one: Resource) -> str | None:
    """Return the function whose account is granted something: in its own module that account is not known yet."""
    if one.function and "member" not in one.values:
        return one.function
    found = re.match(r"serviceAccount:fn-([a-z-]+)@", str(one.values.get("member", "")))
    return found[1].replace("-", "_") if found else None


_ON = {
    "google_storage_bucket_iam_member": ("bucket", "bucket"),
    "google_pubsub_topic_iam_member": ("topic", "topic"),
    "google_bigquery_table_iam_member": ("table", "table_id"),
    "google_bigquery_dataset_iam_member": ("dataset", "dataset_id"),
}


def _granted_on(one: Resource, prefix: str) -> list[str]:
    if one.type in _ON:
        word, argument = _ON[one.type]
        return [f"{word} {one.values[argument].removeprefix(prefix)}"]
    if one.type == "google_data_catalog_policy_tag_iam_member":
        return ["personal columns"]
    if one.type != "google_project_iam_member":
        return [one.address]
    return [what for condition in one.values["condition"] for what in _under(condition["expression"])] or ["project"]


def _under(expression: str) -> list[str]:
    """Return what a condition lets through: a database, or keys of `KEYS`."""
    if found := re.fullmatch(r'resource\.name == "projects/[^/]+/databases/(.+)"', expression):
        return [f"database {found[1]}"]
    versions = {name: f"projects/1/secrets/tombola-{name}/versions/3" for name in KEYS}
    secrets = {name: f"projects/1/secrets/tombola-{name}" for name in KEYS}
    let_through = [name for name in KEYS if holds(expression, versions[name])]
    assert let_through == [name for name in KEYS if holds(expression, secrets[name])], f"{expression}: lists other keys"
    return [f"key {name}" for name in let_through]


class _Name(str):
    """A resource's name, with what conditions of IAM can ask of it."""

    __slots__ = ()

    def extract(self, template: str) -> "_Name":
        before, after = re.split(r"\{[a-z]+\}", template)
        _, found, rest = self.partition(before)
        if not found or after not in rest:
            return _Name()
        return _Name(rest.partition(after)[0] if after else rest)

    def startsWith(self, prefix: str) -> bool:  # noqa: N802 (as conditions say it)
        return self.startswith(prefix)

    def endsWith(self, suffix: str) -> bool:  # noqa: N802 (as conditions say it)
        return self.endswith(suffix)


class _Asked:
    """The `resource` of a condition."""

    def __init__(self, name: str) -> None:
        self.name = _Name(name)


def holds(expression: str, name: str) -> bool:
    """Tell whether a condition of ours holds for a resource of this name."""
    python = expression.replace("&&", " and ").replace("||", " or ")
    return bool(eval(python, {"__builtins__": {}}, {"resource": _Asked(name)}))  # noqa: S307 (our own expressions)
