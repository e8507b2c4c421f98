"""Objects: whole or not there, one generation at a time."""

import io
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pytest

from tombola.adapters.embedded.objects import EmbeddedObjects
from tombola.ports.errors import NotFound, PreconditionFailed, Refused
from tombola.ports.objects import ObjectRef, Objects

Race = Callable[[int, Callable[[int], object]], list[object]]
SOME_MIB = bytes(range(256)) * (9 * 4096)
"""Nine: more than an upload sends at once, and more than a download asks for at first."""


@pytest.fixture
def objects(request: pytest.FixtureRequest, adapters: str, tmp_path: Path) -> Objects:
    if adapters == "embedded":
        return EmbeddedObjects(tmp_path)
    made: Objects = request.getfixturevalue("google_objects")
    return made


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


def test_a_large_object_is_read_as_it_was_written_wherever_one_begins(objects: Objects) -> None:
    ref = create(objects, "a", SOME_MIB[:100], SOME_MIB[100:8_400_000], SOME_MIB[8_400_000:])
    assert read(objects, ref) == SOME_MIB
    with objects.open(ref) as stream:
        for place, size in ((5_000_000, 3_000_000), (100, 300_000), (4_000_000, 10), (len(SOME_MIB) - 8, -1)):
            assert stream.seek(place) == place
            assert stream.read(size) == SOME_MIB[place:][: size if size >= 0 else None]
        assert (stream.seek(10, io.SEEK_END), stream.read()) == (len(SOME_MIB) + 10, b"")


def test_an_empty_object_is_an_object(objects: Objects) -> None:
    assert read(objects, create(objects, "a")) == b""
    assert objects.stat("inbox", "a").size == 0


def test_an_object_is_created_once(objects: Objects) -> None:
    ref = create(objects, "a", b"first")
    with pytest.raises(PreconditionFailed, match="inbox/a exists already"):
        create(objects, "a", b"second")
    assert read(objects, ref) == b"first"


def test_a_large_object_is_created_once(objects: Objects) -> None:
    ref = create(objects, "a", b"first")
    with pytest.raises(PreconditionFailed, match="inbox/a exists already"):
        create(objects, "a", SOME_MIB)
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
    def stop(half: bytes) -> None:
        with objects.create("inbox", "a") as writer:
            writer.write(half)
            raise Stopped

    for half in (b"half", SOME_MIB):
        with pytest.raises(Stopped):
            stop(half)
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


def test_what_is_deleted_is_gone_and_deleting_it_again_is_no_error(objects: Objects) -> None:
    ref = create(objects, "a")
    objects.delete(ref)
    objects.delete(ref)
    for ask in (lambda: objects.stat("inbox", "a"), lambda: objects.open(ref)):
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
