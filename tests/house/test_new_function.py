"""`tombola new function` makes a folder that passes every check, or says what is missing."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from tombola.cli import main
from tombola.events import Event
from tombola.local.new_function import TEMPLATES, event_type, new_function
from tombola.runtime import topology
from tombola.runtime.manifests import SCHEMA, TABLE, functions_folder, read_manifests, table_text
from tombola.runtime.messages import decode, notice_of

KINDS = {
    "ring_topic": "topic:order-recorded",
    "ring_bucket": "bucket:inbox",
    "ring_http": "http",
    "ring_clock": "schedule:*/5 * * * *",
}


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    """Return a copy of the folder of functions."""
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    return Path(shutil.copytree(functions_folder(), tmp_path / "functions", ignore=ignored))


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["new", "function", *arguments])
    return int(str(ended.value.code))


def test_a_new_function_of_every_kind_passes_the_manifests_and_its_own_test(functions: Path) -> None:
    for name, on in KINDS.items():
        assert run(name, "--on", on, "--functions", str(functions)) == 0
    found = read_manifests(functions)
    assert set(KINDS) <= set(found)
    assert (functions / TABLE).read_text("utf-8") == table_text(found)
    assert (functions / SCHEMA).read_bytes() == (functions_folder() / SCHEMA).read_bytes()
    assert found["ring_topic"].listens_to == ("order-recorded", ("live", "bulk"))
    assert sum(own_tests(functions / name, functions.parent) for name in KINDS) == 5


def own_tests(folder: Path, place: Path) -> int:
    """Run the test file that a function came with; return how many tests there were."""
    spec = importlib.util.spec_from_file_location(folder.name, folder / f"test_{folder.name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tests = [found for name, found in vars(module).items() if name.startswith("test_")]
    for number, test in enumerate(tests):
        test(place / f"{folder.name}-{number}")
    return len(tests)


def test_the_sample_events_are_as_the_platform_sends_them(functions: Path) -> None:
    new_function(functions, "ring_topic", "topic:order-recorded")
    new_function(functions, "ring_bucket", "bucket:inbox")
    delivery = decode({}, (functions / "ring_topic" / "events" / "one.json").read_bytes())
    assert (delivery.attributes["type"], delivery.subscription) == ("order-recorded", "ring-topic")
    notice = notice_of(decode({}, (functions / "ring_bucket" / "events" / "one.json").read_bytes()))
    assert notice is not None
    assert (notice.bucket, notice.name) == ("inbox", "corner-shop/orders/monday.csv")


def test_every_event_there_is_has_a_sample() -> None:
    events: dict[str, type[Event]] = {name: found for name in topology.TOPICS if (found := event_type(name))}
    assert {path.stem for path in (TEMPLATES / "samples").glob("*.json")} == set(events)
    for name, found in events.items():
        found.model_validate_json((TEMPLATES / "samples" / f"{name}.json").read_bytes(), extra="forbid")


@pytest.mark.parametrize(
    ("name", "on", "said"),
    [
        ("RingBell", "http", "a verb phrase in lower case"),
        ("ring-bell", "http", "words joined by _"),
        ("import", "http", "no word of Python"),
        ("ports", "http", "no word of Python"),
        ("x" * 50, "http", "at most 49 characters"),
        ("record_order", "http", "there is a function record_order already"),
        ("ring_bell", "topic:orders", "expected one of draws-sealed, feed-validated, order-received"),
        ("ring_bell", "topic:dead-letters", "found 'dead-letters'"),
        ("ring_bell", "bucket:config", "expected one of inbox"),
        ("ring_bell", "schedule:daily", "`* * * * *`"),
        ("ring_bell", "http:GET", "topic:NAME, bucket:NAME, http or schedule:CRON"),
        ("ring_bell", "topic", "topic:NAME, bucket:NAME, http or schedule:CRON"),
        ("ring_bell", "pigeon", "topic:NAME, bucket:NAME, http or schedule:CRON"),
    ],
)
def test_a_refusal_says_what_is_missing_and_writes_nothing(
    functions: Path, capsys: pytest.CaptureFixture[str], name: str, on: str, said: str
) -> None:
    before = sorted(functions.rglob("*"))
    assert run(name, "--on", on, "--functions", str(functions)) == 2
    assert said in capsys.readouterr().err
    assert sorted(functions.rglob("*")) == before


def test_nothing_is_made_beside_functions_that_are_broken(functions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (functions / "record_order" / "main.py").unlink()
    assert run("ring_bell", "--on", "http", "--functions", str(functions)) == 2
    assert "record_order/main.py: found no such file" in capsys.readouterr().err
    assert not (functions / "ring_bell").exists()
