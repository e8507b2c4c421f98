"""The functions of this repository are what their manifests say."""

import functools
from pathlib import Path

import functions_framework
import pytest

from tombola.ports import Ports
from tombola.runtime import testing
from tombola.runtime.manifests import (
    SCHEMA,
    TABLE,
    BucketTrigger,
    HttpTrigger,
    Manifest,
    TopicTrigger,
    read_manifests,
    schema_text,
    table_text,
)
from tombola.runtime.messages import decode, notice_of

FUNCTIONS = Path(__file__).parents[2] / "functions"
REWRITE = "run: python -m tombola.runtime.manifests --write"


@functools.cache
def manifests() -> dict[str, Manifest]:
    return read_manifests(FUNCTIONS)


def samples(*triggers: type) -> list[Path]:
    triggered = [path.parent for path in sorted(FUNCTIONS.glob("*/function.yaml"))]
    return [
        sample
        for folder in triggered
        if folder.name in manifests() and isinstance(manifests()[folder.name].trigger, triggers)
        for sample in sorted((folder / "events").glob("*.json"))
    ]


def test_every_manifest_is_right() -> None:
    assert manifests()


def test_the_schema_for_editors_is_made_from_the_code() -> None:
    assert (FUNCTIONS / SCHEMA).read_text(encoding="utf-8") == schema_text(), REWRITE


def test_the_table_of_functions_is_made_from_the_manifests() -> None:
    assert (FUNCTIONS / TABLE).read_text(encoding="utf-8") == table_text(manifests()), REWRITE


def test_every_manifest_tells_editors_its_schema() -> None:
    modeline = "# yaml-language-server: $schema=../function.schema.json\n"
    without = [
        path.parent.name
        for path in FUNCTIONS.glob("*/function.yaml")
        if not path.read_text(encoding="utf-8").startswith(modeline)
    ]
    assert without == []


def test_a_sample_event_has_a_shape_the_platform_sends() -> None:
    for sample in samples(TopicTrigger, BucketTrigger):
        delivery = decode({"content-type": "application/json"}, sample.read_bytes())
        assert delivery.message_id, sample


def test_a_sample_event_of_a_topic_carries_the_type_of_its_topic() -> None:
    for sample in samples(TopicTrigger):
        trigger = manifests()[sample.parents[1].name].trigger
        assert isinstance(trigger, TopicTrigger)
        delivery = decode({"content-type": "application/json"}, sample.read_bytes())
        assert delivery.attributes.get("type") == trigger.topic, sample
        assert delivery.lane in trigger.lanes, sample


def test_a_sample_event_of_a_bucket_is_a_notification() -> None:
    for sample in samples(BucketTrigger):
        notice_of(decode({"content-type": "application/json"}, sample.read_bytes()))


def test_the_relay_may_publish_whatever_an_http_function_may_have_left_in_the_outbox() -> None:
    left = {
        topic
        for manifest in manifests().values()
        if isinstance(manifest.trigger, HttpTrigger)
        for topic in manifest.publishes
    }
    assert left <= set(manifests()["relay_outbox"].publishes)


def test_nobody_who_issues_tokens_can_read_the_seed() -> None:
    """Whoever holds both keys of a campaign could pick who wins."""
    both = [
        name
        for name, manifest in manifests().items()
        if any(key.endswith("-id") for key in manifest.secrets)
        and any(key.endswith("-seed") for key in manifest.secrets)
    ]
    assert both == []


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in FUNCTIONS.glob("*/main.py")), ids=lambda path: path.name
)
def test_a_function_is_a_translator_of_few_lines(folder: Path) -> None:
    assert len((folder / "main.py").read_text(encoding="utf-8").splitlines()) <= 40


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in FUNCTIONS.glob("*/main.py")), ids=lambda path: path.name
)
def test_a_function_loads_and_understands_its_own_sample_events(folder: Path, ports: Ports) -> None:
    """What the samples speak of is not there; but no function may call its own samples malformed."""
    with testing.using(ports):
        client = functions_framework.create_app(folder.name, str(folder / "main.py"), "http").test_client()
        if (folder / "events").is_dir() and not isinstance(manifests()[folder.name].trigger, HttpTrigger):
            for sample in testing.sample_events(folder).values():
                client.post("/", data=sample, content_type="application/json")
    reasons = {letter.attributes["reason"] for letter in testing.recorded(ports, "dead-letters")}
    assert reasons.isdisjoint({"malformed-envelope", "malformed-event", "malformed-notice", "wrong-event-type"})
