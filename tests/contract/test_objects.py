"""Objects: whole or not there, one generation at a time."""

import io
import os
import time
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pytest

from tombola.adapters.embedded.objects import EmbeddedObjects
from tombola.ports.errors import NotFound, PreconditionFailed, Refused
from tombola.ports.objects import ObjectRef, Objects

ADAPTERS: dict[str, Callable[[Path], Objects]] = {"embedded": EmbeddedObjects}
Race = Callable[[int, Callable[[int], object]], list[object]]


@pytest.fixture(params=ADAPTERS)
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    return ADAPTERS[request.param](tmp_path)


def create(objects: Objects, name: str, *parts: bytes, bucket: str = "inbox") -> ObjectRef:
    with objects.create(bucket, name) as writer:
        for part in parts:
            writer.write(part)
    return writer.ref


def read(objects: Objects, ref: ObjectRef) -> bytes:
    with objects.open(ref) as stream:
        return stream.read()


def names(objects: Objects, prefix: str = "") -> list[str]:
    return [info.ref.name for info in objects.list("inbox", prefix)]


# Reading and writing


def test_an_object_is_read_as_it_was_written(objects: Objects) -> None:
    ref = create(objects, "acme/orders/2017-03.csv", b"a,b\n", b"", b"\x00\xff")
    assert read(objects, ref) == b"a,b\n\x00\xff"
    info = objects.stat("inbox", "acme/orders/2017-03.csv")
    assert (info.ref, info.size, info.updated_at.tzinfo) == (ref, 6, UTC)


def test_an_object_can_be_sought_in(objects: Objects) -> None:
    with objects.open(create(objects, "a", b"0123456789")) as stream:
        assert stream.seek(-3, io.SEEK_END) == 7
        assert stream.read(2) == b"78"


def test_an_empty_object_is_an_object(objects: Objects) -> None:
    assert read(objects, create(objects, "a")) == b""
    assert objects.stat("inbox", "a").size == 0


def test_an_object_is_created_once(objects: Objects) -> None:
    ref = create(objects, "a", b"first")
    with pytest.raises(PreconditionFailed, match="inbox/a exists already"):
        create(objects, "a", b"second")
    assert read(objects, ref) == b"first"


def test_an_object_is_invisible_until_it_is_whole(objects: Objects) -> None:
    with objects.create("inbox", "a") as writer:
        writer.write(b"half")
        with pytest.raises(NotFound):
            objects.stat("inbox", "a")
        assert names(objects) == []
        with pytest.raises(Refused, match="not written yet"):
            _ = writer.ref
    assert names(objects) == ["a"]


class Stopped(Exception):
    """What the writer of half an object dies of."""


def test_an_object_whose_writer_fails_never_appears(objects: Objects) -> None:
    def stop() -> None:
        with objects.create("inbox", "a") as writer:
            writer.write(b"half")
            raise Stopped

    with pytest.raises(Stopped):
        stop()
    assert names(objects) == []
    assert read(objects, create(objects, "a", b"whole")) == b"whole"


def test_of_sixteen_who_create_one_wins(objects: Objects, race: Race) -> None:
    outcomes = race(16, lambda number: create(objects, "a/b", b"%d" % number))
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, ObjectRef)]
    assert sum(isinstance(outcome, PreconditionFailed) for outcome in outcomes) == 15
    assert read(objects, winner) == b"%d" % outcomes.index(winner)


# Generations


def test_generations_grow_with_every_write_of_a_name(objects: Objects) -> None:
    refs = [objects.replace("config", "a", b"%d" % number) for number in range(50)]
    assert [ref.generation for ref in refs] == sorted({ref.generation for ref in refs})
    assert objects.stat("config", "a").ref == refs[-1]
    objects.delete(refs[-1])
    assert create(objects, "a", bucket="config").generation > refs[-1].generation


def test_a_superseded_generation_is_not_found_but_who_reads_it_reads_on(objects: Objects) -> None:
    old = create(objects, "a", b"old")
    with objects.open(old) as stream:
        new = objects.replace("inbox", "a", b"new")
        assert stream.read() == b"old"
    with pytest.raises(NotFound, match=f"generation {old.generation} is superseded by {new.generation}"):
        objects.open(old)
    assert read(objects, new) == b"new"


def test_only_the_generation_expected_is_replaced(objects: Objects) -> None:
    first = objects.replace("inbox", "a", b"1", if_generation=0)
    second = objects.replace("inbox", "a", b"2", if_generation=first.generation)
    for stale in (0, first.generation):
        with pytest.raises(PreconditionFailed, match=f"generation {second.generation} is live; expected {stale}"):
            objects.replace("inbox", "a", b"3", if_generation=stale)
    assert read(objects, second) == b"2"


def test_compare_and_swap_loses_nothing(objects: Objects, race: Race) -> None:
    objects.replace("config", "n", b"0")

    def count(_number: int) -> None:
        done = 0
        while done < 10:
            info = objects.stat("config", "n")
            try:
                number = int(read(objects, info.ref))
                objects.replace("config", "n", b"%d" % (number + 1), if_generation=info.ref.generation)
            except (NotFound, PreconditionFailed):
                continue
            done += 1

    assert race(4, count) == [None] * 4
    assert read(objects, objects.stat("config", "n").ref) == b"40"


def test_only_the_live_generation_is_deleted(objects: Objects) -> None:
    old = create(objects, "a")
    new = objects.replace("inbox", "a", b"new")
    objects.delete(old)
    assert read(objects, new) == b"new"
    objects.delete(new)
    objects.delete(new)
    for ask in (lambda: objects.stat("inbox", "a"), lambda: objects.open(new)):
        with pytest.raises(NotFound):
            ask()


# Listing


def test_objects_are_listed_by_code_points_of_their_whole_names(objects: Objects) -> None:
    wanted = ["Z", "a-b", "a.b/x", "a/b", "a/c/d", "a0", "é", "🎡"]
    for name in reversed(wanted):
        create(objects, name, name.encode())
    assert names(objects) == wanted == sorted(wanted)
    assert [info.size for info in objects.list("inbox")] == [len(name.encode()) for name in wanted]
    assert names(objects, "a") == ["a-b", "a.b/x", "a/b", "a/c/d", "a0"]
    assert names(objects, "a/") == ["a/b", "a/c/d"]
    assert names(objects, "a/c/") == names(objects, "a/c/d") == ["a/c/d"]
    assert names(objects, "nothing") == names(objects, "../") == list(objects.list("reports")) == []


# Names


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "object name of 0 bytes"),
        ("../keys/seed/1", "has the segment '..'"),
        ("a/../../b", "has the segment '..'"),
        ("/etc/passwd", "has the segment ''"),
        ("a//b", "has the segment ''"),
        ("a/", "has the segment ''"),
        ("./a", "has the segment '.'"),
        (".tmp/a", "has the segment '.tmp'"),
        ("a/.hidden", "has the segment '.hidden'"),
        ("a\\b", "has the segment 'a\\\\b'"),
        ("a\nb", "control or unprintable character"),
        ("a\x00b", "control or unprintable character"),
        ("a\u2028b", "control or unprintable character"),
        ("a\ud800", "control or unprintable character"),
        ("x" * 256, "segment of 256 bytes; expected at most 255"),
        ("/".join(["x" * 204] * 5) + "y", "object name of 1025 bytes"),
    ],
)
def test_a_bad_name_is_refused_by_everything(objects: Objects, name: str, said: str) -> None:
    for ask in (
        lambda: objects.stat("inbox", name),
        lambda: objects.open(ObjectRef("inbox", name, 1)),
        lambda: create(objects, name),
        lambda: objects.replace("inbox", name, b""),
        lambda: objects.delete(ObjectRef("inbox", name, 1)),
    ):
        with pytest.raises(Refused) as refused:
            ask()
        assert said in str(refused.value)


def test_a_name_at_the_limits_is_allowed(objects: Objects) -> None:
    name = "/".join(["x" * 255] * 3 + ["é" * 127, "y"])
    assert len(name.encode()) == 1024
    assert create(objects, name) == objects.stat("inbox", name).ref


@pytest.mark.parametrize("bucket", ["", "keys", "..", "warehouse", "Inbox"])
def test_an_unknown_bucket_is_refused(objects: Objects, bucket: str) -> None:
    for ask in (
        lambda: objects.stat(bucket, "a"),
        lambda: create(objects, "a", bucket=bucket),
        lambda: objects.list(bucket),
    ):
        with pytest.raises(Refused, match="expected one of inbox, staging, receipts, rejects, config, reports"):
            ask()


# On one machine


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
