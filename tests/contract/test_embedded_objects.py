"""Objects as plain files: what people, other programs and dying processes do to them on one machine."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tombola.adapters.embedded.objects import EmbeddedObjects
from tombola.ports.errors import NotFound, PreconditionFailed, Refused
from tombola.ports.objects import ObjectRef


def create(objects: EmbeddedObjects, name: str) -> ObjectRef:
    with objects.create("inbox", name) as writer:
        writer.write(b"")
    return writer.ref


def read(objects: EmbeddedObjects, ref: ObjectRef) -> bytes:
    with objects.open(ref) as stream:
        return stream.read()


def names(objects: EmbeddedObjects) -> list[str]:
    return [info.ref.name for info in objects.list("inbox")]


def test_a_folder_is_no_object_and_an_object_no_folder(tmp_path: Path) -> None:
    objects = EmbeddedObjects(tmp_path)
    create(objects, "a/b")
    for ask in (
        lambda: objects.stat("inbox", "a"),
        lambda: objects.stat("inbox", "a/b/c"),
        lambda: objects.open(ObjectRef("inbox", "a", 1)),
    ):
        with pytest.raises(NotFound):
            ask()
    for ask in (
        lambda: create(objects, "a"),
        lambda: create(objects, "a/b/c"),
        lambda: create(objects, "a/b/c/d"),
        lambda: objects.replace("inbox", "a", b""),
        lambda: objects.replace("inbox", "a/b/c", b""),
    ):
        with pytest.raises(Refused):
            ask()
    assert names(objects) == ["a/b"]


def test_a_file_that_a_person_drops_is_an_object(tmp_path: Path) -> None:
    objects = EmbeddedObjects(tmp_path)
    folder = tmp_path / "inbox" / "acme" / "orders"
    folder.mkdir(parents=True)
    (folder / "x.csv").write_bytes(b"dropped")
    (info,) = objects.list("inbox", "acme/orders/")
    assert read(objects, info.ref) == b"dropped"


def test_a_file_from_the_future_is_still_superseded_by_the_next_write(tmp_path: Path) -> None:
    objects = EmbeddedObjects(tmp_path)
    path = tmp_path / "inbox" / "a"
    path.write_bytes(b"old")
    os.utime(path, (time.time() + 10_000, time.time() + 10_000))
    future = objects.stat("inbox", "a").ref
    assert objects.replace("inbox", "a", b"new").generation > future.generation
    objects.delete(objects.stat("inbox", "a").ref)
    assert create(objects, "a").generation > future.generation


def test_a_file_written_over_in_place_while_it_is_read_is_gone_and_never_a_mixture(tmp_path: Path) -> None:
    objects = EmbeddedObjects(tmp_path)
    file = tmp_path / "inbox" / "a.csv"
    file.write_bytes(b"1" * 500_000)
    for size in (300_000, -1):
        os.utime(file, (1, 1))
        with objects.open(objects.stat("inbox", "a.csv").ref) as stream:
            assert stream.read(1) == b"1"
            file.write_bytes(b"1" * 500_000)
            with pytest.raises(NotFound, match="written over"):
                stream.read(size)


def test_a_file_from_the_end_of_time_exists(tmp_path: Path) -> None:
    objects = EmbeddedObjects(tmp_path)
    file = tmp_path / "inbox" / "a.csv"
    file.write_bytes(b"1")
    os.utime(file, (10**12, 10**12))
    info = objects.stat("inbox", "a.csv")
    assert info.updated_at.year > 2400
    assert [each.ref for each in objects.list("inbox")] == [info.ref]


def test_a_file_from_the_beginning_of_time_exists(tmp_path: Path) -> None:
    objects = EmbeddedObjects(tmp_path)
    path = tmp_path / "inbox" / "a"
    path.write_bytes(b"old")
    os.utime(path, (0, 0))
    with pytest.raises(PreconditionFailed):
        objects.replace("inbox", "a", b"new", if_generation=0)
    assert read(objects, objects.stat("inbox", "a").ref) == b"old"


def test_hidden_files_and_badly_named_files_are_no_objects(tmp_path: Path) -> None:
    objects = EmbeddedObjects(tmp_path)
    create(objects, "fine")
    for name in (b".DS_Store", b"line\nbreak", b"not utf-8 \xff"):
        Path(os.fsdecode(os.fsencode(tmp_path / "inbox") + b"/" + name)).write_bytes(b"x")
    os.mkfifo(tmp_path / "inbox" / "pipe")
    assert names(objects) == ["fine"]
    with pytest.raises(NotFound):
        objects.open(ObjectRef("inbox", "pipe", 1))


def test_symbolic_links_are_refused(tmp_path: Path) -> None:
    objects = EmbeddedObjects(tmp_path)
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    (tmp_path / "inbox" / "file").symlink_to(tmp_path / "secret")
    (tmp_path / "inbox" / "folder").symlink_to(tmp_path)
    assert names(objects) == []
    for name in ("file", "folder/secret"):
        for ask in (
            lambda name=name: objects.stat("inbox", name),
            lambda name=name: objects.replace("inbox", name, b"x"),
        ):
            with pytest.raises(Refused, match="leads through a symbolic link"):
                ask()
    assert (tmp_path / "secret").read_text(encoding="utf-8") == "secret"


OPEN = """
from tombola.adapters.embedded.objects import EmbeddedObjects
objects = EmbeddedObjects(HOME)
"""
WRITE_UNTIL_KILLED = """
number = 0
while True:
    with objects.create("staging", f"a/{number}") as writer:
        for _ in range(100):
            writer.write(bytes(1000))
    objects.replace("staging", "b", bytes([number % 256]) * 100_000)
    print(number, flush=True)
    number += 1
"""


def test_torn_writes_are_never_seen(tmp_path: Path, kill_after: Callable[[str, int], list[str]]) -> None:
    reported = len(kill_after(OPEN + WRITE_UNTIL_KILLED, 50))
    objects = EmbeddedObjects(tmp_path)
    infos = {info.ref.name: info for info in objects.list("staging")}
    assert {info.size for info in infos.values()} == {100_000}
    assert {f"a/{number}" for number in range(reported)} <= infos.keys()
    assert len(set(read(objects, infos["b"].ref))) == 1


def test_what_a_killed_writer_left_is_swept_when_it_is_old(tmp_path: Path) -> None:
    EmbeddedObjects(tmp_path)
    (tmp_path / ".tmp").mkdir(exist_ok=True)
    for name, age in (("old", 90_000), ("young", 60)):
        (tmp_path / ".tmp" / name).write_bytes(b"")
        os.utime(tmp_path / ".tmp" / name, (time.time() - age, time.time() - age))
    EmbeddedObjects(tmp_path)
    assert [path.name for path in (tmp_path / ".tmp").iterdir()] == ["young"]
