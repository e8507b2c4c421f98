"""Wiring: the process's ports, from the environment or from a host."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tombola.adapters.embedded.topics import EmbeddedTopics
from tombola.errors import Malformed
from tombola.ports import Ports
from tombola.runtime import topology, wiring
from tombola.runtime.faults import Misconfigured
from tombola.runtime.manifests import functions_folder
from tombola.runtime.outbox import PublishingDocuments
from tombola.runtime.settings import Settings, read_settings

FUNCTION = (
    "from tombola.runtime import on_event\nfrom tombola.orders.events import OrderReceived\n\n"
    "@on_event(OrderReceived)\ndef ring_bell(event, delivery): ...\n"
)


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        wiring.install(None)


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    """Return a folder with one function."""
    folder = tmp_path / "functions"
    (folder / "ring_bell" / "events").mkdir(parents=True)
    (folder / "ring_bell" / "events" / "one.json").write_text("{}", encoding="utf-8")
    (folder / "ring_bell" / "main.py").write_text(FUNCTION, encoding="utf-8")
    manifest = "summary: Rings.\ntrigger: {topic: order-received, lanes: [live, bulk]}\n"
    (folder / "ring_bell" / "function.yaml").write_text(manifest, encoding="utf-8")
    defaults = functions_folder() / "defaults.yaml"
    (folder / "defaults.yaml").write_bytes(defaults.read_bytes())
    return folder


def test_embedded_ports_know_every_topic_and_every_subscription(tmp_path: Path, functions: Path) -> None:
    built = wiring.build(Settings(home=tmp_path / "home", functions=functions))
    assert isinstance(built.topics, EmbeddedTopics)
    names = {subscription.name for subscription in built.topics.subscriptions()}
    stored = {subscription.name for subscription in topology.store_subscriptions()}
    assert names == {"ring-bell", "ring-bell-bulk", "dead-letters"} | stored
    assert isinstance(built.documents, PublishingDocuments)
    assert built.clock.now().tzinfo is not None
    for topic in topology.topics():
        built.topics.publish(topic, [])


def test_a_process_has_one_set_of_ports_made_from_its_environment(tmp_path: Path, functions: Path) -> None:
    home = tmp_path / "somewhere"
    with environment({"TOMBOLA_HOME": str(home), "TOMBOLA_FUNCTIONS": str(functions)}):
        wiring.install(None)
        assert wiring.ports() is wiring.ports()
        assert (home / "documents.sqlite").exists()


def test_a_host_gives_its_own_ports(ports: Ports) -> None:
    wiring.install(ports)
    try:
        assert wiring.ports().documents is ports.documents
    finally:
        wiring.install(None)


def test_a_broken_folder_of_functions_is_named_problem_by_problem(tmp_path: Path, functions: Path) -> None:
    (functions / "ring_bell" / "main.py").unlink()
    with pytest.raises(Malformed, match=r"ring_bell/main\.py: found no such file"):
        wiring.build(Settings(home=tmp_path, functions=functions))


def test_google_cloud_without_a_project_is_refused_by_the_name_of_the_setting(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="TOMBOLA_PROJECT: nothing is set"):
        wiring.build(Settings(adapters="google", home=tmp_path, project=None))


def test_settings_come_from_the_environment_and_from_the_platform() -> None:
    said = {"TOMBOLA_BUCKET_PREFIX": "acme-prod-", "K_SERVICE": "record-order", "GOOGLE_CLOUD_PROJECT": "acme"}
    with environment(said):
        found = read_settings()
        assert (found.bucket_prefix, found.function, found.project) == ("acme-prod-", "record-order", "acme")
        wiring.install(None)
        assert [wiring.logical_bucket(name) for name in ("acme-prod-inbox", "inbox", "x")] == ["inbox", "inbox", "x"]


def test_every_bad_setting_is_named_at_once_without_its_value() -> None:
    with environment({"TOMBOLA_ADAPTERS": "hunter2", "TOMBOLA_LOG_LEVEL": "hunter3"}):
        with pytest.raises(Misconfigured) as caught:
            read_settings()
        assert "TOMBOLA_ADAPTERS: expected 'embedded' or 'google'" in str(caught.value)
        assert "TOMBOLA_LOG_LEVEL: expected 'debug', 'info', 'warning' or 'error'" in str(caught.value)
        assert "hunter" not in str(caught.value)


def test_a_misconfigured_function_answers_500_and_its_log_says_why(tmp_path: Path) -> None:
    source = (
        "from tombola.runtime import Answer, on_http, ports\n\n"
        "@on_http()\ndef ring_bell(request):\n    ports()\n    return Answer()\n"
    )
    (tmp_path / "main.py").write_text(source, encoding="utf-8")
    script = (
        "import functions_framework\n"
        "answer = functions_framework.create_app('ring_bell', 'main.py', 'http').test_client().post('/')\n"
        "assert answer.status_code == 500 and b'hunter' not in answer.data, answer.data\n"
    )
    variables = {**os.environ, "TOMBOLA_ADAPTERS": "hunter2"}
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=variables, capture_output=True, text=True, check=True
    )
    assert "TOMBOLA_ADAPTERS" in result.stdout
    assert "hunter" not in result.stdout


HEAVY = """
    polars pyarrow duckdb structlog stamina yaml pydantic_settings sqlite3 msgpack jwt typer google.api_core google.auth
    opentelemetry tombola.adapters tombola.local tombola.problems tombola.ports.objects tombola.ports.warehouse
    tombola.runtime.batch tombola.runtime.flags tombola.runtime.idempotency tombola.runtime.leases
    tombola.runtime.manifests tombola.runtime.messages tombola.runtime.oidc tombola.runtime.parameters
    tombola.runtime.settings tombola.runtime.topology
"""
"""What would make the 20 ms of the import into more: what only some functions need, only they pay for."""


def test_importing_the_runtime_brings_in_nothing_heavy() -> None:
    script = f"import sys, tombola.runtime; print([name for name in {HEAVY.split()!r} if name in sys.modules])"
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=unmeasured)
    assert result.stdout == "[]\n"
