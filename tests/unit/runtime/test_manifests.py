"""Manifests: what may stand in them, and that everything wrong is said at once."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tombola.errors import Malformed
from tombola.runtime import manifests, topology
from tombola.runtime.manifests import Manifest, TopicTrigger, main, read_manifests, table_text
from tombola.runtime.schedules import check_schedule

Write = Callable[..., None]

DEFAULTS = """
memory: 512Mi
timeout: 540
concurrency: 16
max_attempts: 100
ack_deadline: 600
minimum_backoff: 10
maximum_backoff: 600
retention_days: 7
"""
RING = "summary: Rings.\ntrigger: {topic: order-received, lanes: [live, bulk]}\npublishes: [order-recorded]\n"
MAIN = "from tombola.runtime import on_event\n\n@on_event(object)\ndef ring_bell(event, delivery): ...\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder of functions."""
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "defaults.yaml").write_text(DEFAULTS, encoding="utf-8")
    return tmp_path / "functions"


@pytest.fixture
def write(folder: Path) -> Write:
    """Return a writer of functions."""

    def written(
        name: str = "ring_bell",
        manifest: str | None = RING,
        main: str | None = MAIN,
        events: dict[str, str] | None = None,
    ) -> None:
        path = folder / name
        (path / "events").mkdir(parents=True)
        samples = {"one.json": "{}"} if events is None else events
        files = {
            "function.yaml": manifest,
            "main.py": main,
            **{f"events/{key}": value for key, value in samples.items()},
        }
        for file, text in files.items():
            if text is not None:
                (path / file).write_text(text, encoding="utf-8")

    return written


def problems(folder: Path) -> dict[str, tuple[str, str]]:
    with pytest.raises(Malformed) as caught:
        read_manifests(folder)
    assert caught.value.code == "malformed-manifests"
    return {problem.where: (problem.found, problem.expected) for problem in caught.value.problems}


def test_a_manifest_is_read_with_the_defaults_filled_in(folder: Path, write: Write) -> None:
    write(manifest=RING + "memory: 1Gi\nmax_attempts: 5\n")
    (folder / "_drafts").mkdir()
    found = read_manifests(folder)
    assert list(found) == ["ring_bell"]
    ring = found["ring_bell"]
    assert (ring.name, ring.service, ring.folder) == ("ring_bell", "ring-bell", folder / "ring_bell")
    assert ring.trigger == TopicTrigger(topic="order-received", lanes=("live", "bulk"))
    assert (ring.sizing.memory, ring.sizing.timeout, ring.sizing.max_attempts) == ("1Gi", 540, 5)
    assert ring.publishes == ("order-recorded",)


def test_every_problem_of_every_manifest_is_named_at_once(folder: Path, write: Write) -> None:
    write(
        "ring_bell",
        "trigger: {topic: order-eaten, lanes: [express]}\npublishes: [nothing]\nreads: {documents: [order]}\n"
        "writes: {objects: [outbox], warehouse: [orders]}\nsecrets: [A]\nextras: [polars]\ncolour: red\nmemory: 3Gi\n",
        "def toll_bell(): ...\n",
        {},
    )
    write("Ring2", None, None, {"a.json": "{"})
    write("tell_time", "- a\n- b\n", "import", {"a.json": "\ud7ff["})
    write("wind_up", "summary: [\n", "def wind_up(): ...\n", {})
    found = problems(folder)
    assert set(found) == {
        *(f"ring_bell/function.yaml: {field}" for field in (
            "summary", "trigger.topic.topic", "trigger.topic.lanes #1", "publishes #1", "reads.documents #1",
            "writes.objects #1", "writes.warehouse #1", "secrets #1", "extras #1", "colour", "memory",
        )),
        "ring_bell/main.py", "Ring2", "Ring2/function.yaml", "Ring2/main.py", "Ring2/events/a.json",
        "tell_time/function.yaml", "tell_time/main.py", "tell_time/events/a.json", "wind_up/function.yaml",
    }  # fmt: skip
    assert found["ring_bell/function.yaml: publishes #1"][0] == "topic 'nothing'"
    assert "order-received" in found["ring_bell/function.yaml: publishes #1"][1]
    assert found["ring_bell/function.yaml: secrets #1"] == ("'A'", "1 to 200 of a-z, 0-9, - and *")
    assert found["ring_bell/function.yaml: memory"] == ("'3Gi'", "256Mi, 512Mi, 1Gi, 2Gi, 4Gi, 8Gi or 16Gi")
    assert found["tell_time/function.yaml"] == ("a list of 2", "a map of field names to values")
    assert found["wind_up/function.yaml"][0] == "no YAML at line 2, column 1"


@pytest.mark.parametrize(
    "trigger",
    ["{}", "{topic: order-received, bucket: inbox}", "{http: POST, schedule: '* * * * *'}", "5", "{topik: x}"],
)
def test_a_function_has_exactly_one_trigger(folder: Path, write: Write, trigger: str) -> None:
    write(manifest=f"summary: Rings.\ntrigger: {trigger}\n")
    found = problems(folder)
    assert found["ring_bell/function.yaml: trigger"][1] == "exactly one trigger of topic, bucket, http, schedule"


@pytest.mark.parametrize(
    ("trigger", "place", "words"),
    [
        ("{topic: order-received, lane: [live]}", "trigger.topic.lane", "the field lanes"),
        ("{topic: order-received, lanes: []}", "trigger.topic", "one or more, each once, of "),
        ("{topic: order-received, lanes: [live, live]}", "trigger.topic", "one or more, each once, of "),
        ("{topic: feed-validated, lanes: [live, bulk]}", "trigger.topic", "one or more, each once, of "),
        ("{bucket: reports}", "trigger.bucket.bucket", "one of "),
        ("{http: BREW}", "trigger.http.http", "'GET' or 'POST'"),
        ("{http: POST, public: maybe}", "trigger.http.public", "true or false"),
        ("{schedule: '@daily'}", "trigger.schedule.schedule", "`"),
    ],
)
def test_a_trigger_says_only_what_can_be_done(folder: Path, write: Write, trigger: str, place: str, words: str) -> None:
    write(manifest=f"summary: Rings.\ntrigger: {trigger}\n")
    ((where, (_, expected)),) = problems(folder).items()
    assert (where, expected[: len(words)]) == (f"ring_bell/function.yaml: {place}", words)


@pytest.mark.parametrize(
    ("trigger", "decorator"),
    [("{bucket: inbox}", "on_object"), ("{http: GET}", "on_http"), ("{schedule: '* * * * *'}", "on_schedule")],
)
def test_the_code_must_be_what_the_trigger_says(folder: Path, write: Write, trigger: str, decorator: str) -> None:
    write(manifest=f"summary: Rings.\ntrigger: {trigger}\n")
    assert problems(folder)["ring_bell/main.py"] == (
        "ring_bell decorated with on_event", f"@{decorator}, as its trigger says"
    )  # fmt: skip


@pytest.mark.parametrize("code", ["@tombola.runtime.on_event(X)", "@on_event(X)"])
def test_a_decorator_may_be_named_in_full(folder: Path, write: Write, code: str) -> None:
    write(main=f"{code}\ndef ring_bell(event, delivery): ...\n")
    assert "ring_bell" in read_manifests(folder)


def test_an_event_function_shows_a_sample_event(folder: Path, write: Write) -> None:
    write(events={})
    assert list(problems(folder)) == ["ring_bell/events"]


def test_a_function_installs_the_clients_of_the_ports_it_touches_and_no_other(folder: Path, write: Write) -> None:
    write(manifest=RING + "writes: {documents: [orders]}\nextras: [signing]\n")
    write(
        "list_keys", "summary: Lists.\ntrigger: {http: GET}\nsecrets: [token-signing]\n",
        "from tombola.runtime import on_http\n@on_http()\ndef list_keys(request): ...\n", {},
    )  # fmt: skip
    write(
        "wind_up",
        "summary: Winds.\ntrigger: {schedule: '0 * * * *'}\nreads: {warehouse: [feed_orders], objects: [audit]}\n",
        "from tombola.runtime import on_schedule\n@on_schedule\ndef wind_up(): ...\n", {},
    )  # fmt: skip
    assert {name: one.installs for name, one in read_manifests(folder).items()} == {
        "ring_bell": ("google-documents", "google-topics", "identity", "signing"),
        "list_keys": ("google-keys",),
        "wind_up": ("google-objects", "google-questions", "google-warehouse", "identity"),
    }


def test_missing_or_broken_defaults_are_named(folder: Path, write: Write) -> None:
    write()
    (folder / "defaults.yaml").write_text(DEFAULTS.replace("timeout: 540", "timeout: 9000"), encoding="utf-8")
    assert list(problems(folder)) == ["defaults.yaml: timeout"]
    (folder / "defaults.yaml").unlink()
    assert list(problems(folder)) == ["defaults.yaml"]


@pytest.mark.parametrize("schedule", ["* * * * *", "*/5 * * * *", "*/60 * * * *", "0 * * * *", "59 * * * *"])
def test_a_schedule_both_schedulers_know_is_taken(schedule: str) -> None:
    assert check_schedule(schedule) == schedule


@pytest.mark.parametrize(
    "schedule", ["", "*/7 * * * *", "*/0 * * * *", "60 * * * *", "0 3 * * *", "* * * *", "@hourly"]
)
def test_any_other_schedule_is_refused(schedule: str) -> None:
    with pytest.raises(ValueError, match="expected `"):
        check_schedule(schedule)


def test_each_lane_has_its_own_subscription(folder: Path, write: Write) -> None:
    write(manifest=RING + "max_attempts: 7\n")
    write(
        "take_file", "summary: Takes.\ntrigger: {bucket: inbox}\n",
        "from tombola.runtime import on_object\n@on_object\ndef take_file(notice): ...\n",
    )  # fmt: skip
    write(
        "list_keys", "summary: Lists.\ntrigger: {http: GET, public: true}\n",
        "from tombola.runtime import on_http\n@on_http()\ndef list_keys(request): ...\n", {},
    )  # fmt: skip
    found = topology.subscriptions(read_manifests(folder))
    assert [(one.name, one.topic, one.lane, one.function, one.retry.max_attempts) for one in found] == [
        ("ring-bell", "order-received", "live", "ring_bell", 7),
        ("ring-bell-bulk", "order-received-bulk", "bulk", "ring_bell", 7),
        ("take-file", "inbox-objects", "live", "take_file", 100),
    ]
    assert (found[0].retry.ack_deadline, found[0].retry.minimum_backoff, found[0].retry.maximum_backoff) == (
        600,
        10,
        600,
    )


def test_stored_topics_have_a_subscription_on_every_lane() -> None:
    found = {one.name: (one.topic, one.table) for one in topology.store_subscriptions()}
    assert found == {
        "store-order-recorded": ("order-recorded", "order_recorded"),
        "store-order-recorded-bulk": ("order-recorded-bulk", "order_recorded"),
        "store-play-changed": ("play-changed", "play_changed"),
        "store-play-changed-bulk": ("play-changed-bulk", "play_changed"),
        "store-proposal-made": ("proposal-made", "proposal_made"),
    }
    assert {topic for topic, _ in found.values()} < set(topology.topics())


def test_the_table_says_of_every_function_what_its_manifest_says(folder: Path, write: Write) -> None:
    write(manifest=RING + "reads: {documents: [orders]}\nwrites: {warehouse: [feed_orders]}\n")
    write(
        "wind_up", "summary: Winds | up.\ntrigger: {schedule: '*/5 * * * *'}\n",
        "from tombola.runtime import on_schedule\n@on_schedule\ndef wind_up(): ...\n", {},
    )  # fmt: skip
    rows = table_text(read_manifests(folder)).splitlines()[-2:]
    assert rows == [
        (
            "| [`ring_bell`](ring_bell/main.py) | topic `order-received` (live, bulk) | documents `orders` "
            "| warehouse `feed_orders` | `order-recorded` | Rings. |"
        ),
        "| [`wind_up`](wind_up/main.py) | schedule `*/5 * * * *` |  |  |  | Winds \\| up. |",
    ]


def test_the_program_checks_and_writes(folder: Path, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write()
    assert main([str(folder)]) == 0
    assert not (folder / "README.md").exists()
    assert main(["--write", str(folder)]) == 0
    assert "ring_bell" in (folder / "README.md").read_text(encoding="utf-8")
    schema = json.loads((folder / "function.schema.json").read_text(encoding="utf-8"))
    assert schema["additionalProperties"] is False
    assert "order-received" in json.dumps(schema)
    (folder / "ring_bell" / "main.py").unlink()
    assert main([str(folder)]) == 1
    said = capsys.readouterr()
    assert said.err == (
        "1 problems in the manifests of functions/\n"
        "  ring_bell/main.py: found no such file; expected a module that defines ring_bell\n"
    )
    assert said.out == "1 functions\n1 functions\n"


def test_a_manifest_is_a_subscriber() -> None:
    assert {"name", "service", "listens_to", "retry"} <= {*Manifest.model_fields, *vars(Manifest)}
    assert manifests.NAME.fullmatch("ring_bell")


def test_a_function_that_takes_idempotency_keys_says_where_they_are_kept(folder: Path, write: Write) -> None:
    main = "from tombola.runtime import on_http\n\n@on_http(idempotency=keys)\ndef ring_bell(request): ...\n"
    manifest = "summary: Rings.\ntrigger: {http: POST}\nreads: {documents: [idempotency]}\n"
    write(manifest=manifest, main=main)
    expected = "documents [idempotency] under reads and under writes, where keys and answers are kept"
    assert problems(folder) == {"ring_bell/function.yaml": ("a function that takes idempotency keys", expected)}
    (folder / "ring_bell" / "function.yaml").write_text(manifest + "writes: {documents: [idempotency]}\n", "utf-8")
    assert list(read_manifests(folder)) == ["ring_bell"]
