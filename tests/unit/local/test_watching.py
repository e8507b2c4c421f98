"""The inbox of a laptop."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from tombola.local.watching import Watcher
from tombola.ports import Ports
from tombola.ports.errors import Unavailable
from tombola.ports.objects import ObjectInfo, Objects
from tombola.ports.topics import Message
from tombola.runtime import logs

Published = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def quiet_log() -> None:
    logs.configure(level="critical")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the home of the fixture `ports`."""
    return tmp_path / "home"


@pytest.fixture
def watcher(home: Path, ports: Ports) -> Watcher:
    """Return a watcher of that home."""
    return Watcher(home, ports.objects, ports.topics)


def drop(home: Path, name: str, content: bytes = b"a,b\n") -> Path:
    path = home / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_file_that_a_person_drops_is_notified_of_once(home: Path, watcher: Watcher, published: Published) -> None:
    drop(home, "corner-shop/orders/2017-03.csv")
    assert [info.ref.name for info in watcher.scan().new] == ["corner-shop/orders/2017-03.csv"]
    assert watcher.scan().new == []
    [resource] = published("inbox-objects")
    assert (resource["bucket"], resource["name"], resource["size"]) == ("inbox", "corner-shop/orders/2017-03.csv", "4")


def test_a_notification_has_the_attributes_that_cloud_storage_gives(home: Path, watcher: Watcher, ports: Ports) -> None:
    drop(home, "corner-shop/orders/2017-03.csv")
    watcher.scan()
    [kept] = ports.topics.recent("inbox-objects", 10)  # type: ignore[attr-defined]
    generation = ports.objects.stat("inbox", "corner-shop/orders/2017-03.csv").ref.generation
    assert kept.attributes["eventType"] == "OBJECT_FINALIZE"
    assert kept.attributes["bucketId"] == "inbox"
    assert kept.attributes["objectId"] == "corner-shop/orders/2017-03.csv"
    assert kept.attributes["objectGeneration"] == str(generation)


def test_a_file_that_is_replaced_is_notified_of_again(home: Path, watcher: Watcher, published: Published) -> None:
    path = drop(home, "corner-shop/orders/a.csv")
    watcher.scan()
    path.write_bytes(b"more")
    os.utime(path, ns=(0, 10**18))
    watcher.scan()
    assert len({resource["generation"] for resource in published("inbox-objects")}) == 2


def test_the_memory_outlives_the_process(home: Path, watcher: Watcher, ports: Ports, published: Published) -> None:
    drop(home, "corner-shop/orders/a.csv")
    watcher.scan()
    assert Watcher(home, ports.objects, ports.topics).scan().new == []
    assert len(published("inbox-objects")) == 1


class DiesAfterPublishing:
    """Topics of a process that is killed once a notification is published."""

    def __init__(self, topics: object) -> None:
        self._topics = topics

    def publish(self, topic: str, messages: list[Message]) -> None:
        self._topics.publish(topic, messages)  # type: ignore[attr-defined]
        raise Unavailable("killed")  # noqa: EM101 (as a crash would)


def test_a_crash_between_publishing_and_remembering_notifies_twice_and_never_not_at_all(
    home: Path, ports: Ports, published: Published
) -> None:
    drop(home, "corner-shop/orders/a.csv")
    with pytest.raises(Unavailable):
        Watcher(home, ports.objects, DiesAfterPublishing(ports.topics)).scan()
    Watcher(home, ports.objects, ports.topics).scan()
    first, second = published("inbox-objects")
    assert first == second


def test_a_file_still_being_written_waits_until_it_is_quiet(home: Path, ports: Ports) -> None:
    path = drop(home, "corner-shop/orders/a.csv")
    now = path.stat().st_mtime
    watcher = Watcher(home, ports.objects, ports.topics, now=lambda: now)
    found = watcher.scan(quiet_for=1.0)
    assert (found.new, found.growing) == ([], 1)
    now += 1.0
    assert len(watcher.scan(quiet_for=1.0).new) == 1


def test_a_file_from_the_future_is_not_waited_for(home: Path, ports: Ports) -> None:
    path = drop(home, "corner-shop/orders/a.csv")
    watcher = Watcher(home, ports.objects, ports.topics, now=lambda: path.stat().st_mtime - 3600)
    assert len(watcher.scan(quiet_for=1.0).new) == 1


@pytest.mark.parametrize("name", ["new\nline.csv", "back\\slash.csv", b"not-utf-8-\xff.csv"])
def test_a_name_that_is_no_object_is_reported_once_and_the_others_go_on(
    home: Path, watcher: Watcher, published: Published, name: str | bytes
) -> None:
    drop(home, "corner-shop/orders/good.csv")
    drop(home, os.path.join("corner-shop", os.fsdecode(name)))  # noqa: PTH118 (pathlib knows no bytes)
    found = watcher.scan()
    assert [info.ref.name for info in found.new] == ["corner-shop/orders/good.csv"]
    assert len(found.refused) == 1
    assert watcher.scan().refused == {}
    assert [letter["bucket"] for letter in published("dead-letters")] == ["inbox"]


class Unreadable:
    """Objects on a disk that cannot read one of them."""

    def __init__(self, objects: Objects, name: str) -> None:
        self._objects, self._name = objects, name

    def stat(self, bucket: str, name: str) -> ObjectInfo:
        if name == self._name:
            raise Unavailable
        return self._objects.stat(bucket, name)


def test_a_file_that_cannot_be_looked_at_keeps_no_other_waiting_and_is_looked_at_again(
    home: Path, ports: Ports, watcher: Watcher
) -> None:
    for name in ("a.csv", "b.csv", "c.csv"):
        drop(home, f"corner-shop/orders/{name}")
    objects = cast("Objects", Unreadable(ports.objects, "corner-shop/orders/b.csv"))
    found = Watcher(home, objects, ports.topics).scan()
    assert [info.ref.name[-5:] for info in found.new] == ["a.csv", "c.csv"]
    assert found.growing == 1
    assert [info.ref.name[-5:] for info in watcher.scan().new] == ["b.csv"]


def test_what_is_refused_is_told_what_is_expected_and_not_what_was_found(
    home: Path, watcher: Watcher, ports: Ports
) -> None:
    drop(home, "corner-shop/orders/new\nline.csv")
    watcher.scan()
    [kept] = ports.topics.recent("dead-letters", 10)  # type: ignore[attr-defined]
    assert kept.attributes["detail"] == "name: expected printable text"


def test_links_are_not_followed_out_of_the_inbox(
    home: Path, tmp_path: Path, watcher: Watcher, published: Published
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret", encoding="utf-8")
    (home / "inbox" / "corner-shop").mkdir()
    (home / "inbox" / "corner-shop" / "link.csv").symlink_to(secret)
    (home / "inbox" / "elsewhere").symlink_to(tmp_path)
    assert watcher.scan().new == []
    assert published("inbox-objects") == []


def test_hidden_files_are_no_objects(home: Path, watcher: Watcher) -> None:
    drop(home, "corner-shop/orders/.a.csv.swp")
    drop(home, ".trash/orders/a.csv")
    found = watcher.scan()
    assert (found.new, found.refused) == ([], {})


def test_a_watched_folder_notifies_of_what_lies_there_and_of_what_comes(
    home: Path, watcher: Watcher, published: Published
) -> None:
    drop(home, "corner-shop/orders/before.csv")
    stop = threading.Event()
    thread = threading.Thread(target=watcher.watch, args=(stop,))
    thread.start()
    try:
        drop(home, "corner-shop/orders/after.csv")
        give_up_at = time.monotonic() + 60
        while len(published("inbox-objects")) < 2:
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join()
    names = {resource["name"] for resource in published("inbox-objects")}
    assert names == {"corner-shop/orders/before.csv", "corner-shop/orders/after.csv"}
