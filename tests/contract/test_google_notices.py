"""New objects of the inbox are announced, by the stand-in for Cloud Storage as by Cloud Storage itself."""

import json
import time
from pathlib import Path

import pytest

from tombola.adapters.google.objects import GoogleObjects
from tombola.local.emulators.messages import PubSub
from tombola.local.emulators.running import Running
from tombola.local.emulators.storage import Notification, create_bucket, storage
from tombola.runtime.topology import OBJECTS, Retry, Subscription


def test_a_new_object_of_the_inbox_is_announced_and_none_of_another_bucket(
    pubsub_emulator: Running, pubsub_project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pubsub = PubSub(pubsub_emulator, pubsub_project)
    pubsub.declare([OBJECTS], [Subscription("validate-feed", OBJECTS, "live", Retry())])
    notice = Notification("p-inbox", OBJECTS, pubsub_emulator)
    with storage(pubsub_project, root=tmp_path, notify=notice) as emulator:
        for name, value in emulator.environment.items():
            monkeypatch.setenv(name, value)
        for bucket in ("inbox", "staging"):
            create_bucket(emulator, pubsub_project, f"p-{bucket}")
        objects = GoogleObjects(pubsub_project, "p-")
        objects.replace("staging", "acme/orders/a.csv", b"1")
        ref = objects.replace("inbox", "acme/orders/b.csv", b"2")
        give_up_at = time.monotonic() + 20
        while not (got := pubsub.pull("validate-feed", 10)) and time.monotonic() < give_up_at:
            time.sleep(0.05)
        time.sleep(0.2)
        got = [*got, *pubsub.pull("validate-feed", 10)]
    (message,) = got
    assert {name: message.attributes[name] for name in ("eventType", "payloadFormat", "bucketId", "objectId")} == {
        "eventType": "OBJECT_FINALIZE",
        "payloadFormat": "JSON_API_V1",
        "bucketId": "p-inbox",
        "objectId": "acme/orders/b.csv",
    }
    assert message.attributes["objectGeneration"] == str(ref.generation) == json.loads(message.data)["generation"]
