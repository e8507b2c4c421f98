"""The command line."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tombola import cli
from tombola.adapters.embedded.keys import EmbeddedKeys
from tombola.adapters.embedded.topics import EmbeddedTopics, Subscription
from tombola.ports.topics import Message
from tombola.runtime import wiring


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    """Give the command line a home folder of its own, and leave neither setting nor ports behind."""
    before = os.environ.get("TOMBOLA_HOME")
    folder = tmp_path / "home"
    folder.mkdir()
    wiring.install(None)
    yield folder
    wiring.install(None)
    os.environ.pop("TOMBOLA_HOME", None)
    if before is not None:
        os.environ["TOMBOLA_HOME"] = before


def run(*arguments: str) -> int:
    """Return the exit code of a command."""
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    return int(ended.value.code or 0)


def test_a_webhook_key_is_shown_as_standard_webhooks_writes_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    EmbeddedKeys(home).create("webhook-acme", bytes(32))
    assert run("keys", "show", "webhook-acme", "--home", str(home)) == 0
    assert capsys.readouterr().out == "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"


def test_a_key_is_made_and_then_made_anew(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for version in (1, 2):
        assert run("keys", "create", "webhook-acme", "--home", str(home)) == 0
        assert capsys.readouterr().out == f"webhook-acme version {version}\n"
        wiring.install(None)
    assert len(EmbeddedKeys(home).get("webhook-acme").material) == 32


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("keys", "show", "token-signing"), "never shown"),
        (("keys", "show", "webhook-nobody"), "there is no key 'webhook-nobody'"),
        (("keys", "create", "No Such Name"), "No Such Name"),
        (("dead-letters", "send-again"), "name at least one"),
        (("dead-letters", "send-again", "7"), "no dead letter 7"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert run(*arguments, "--home", str(home)) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert (captured.out, captured.err.count("\n")) == ("", 1)


def test_a_home_that_is_not_there_is_a_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("dead-letters", "list", "--home", str(tmp_path / "nowhere")) == 2
    assert "there is no home folder" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()


def test_households_are_a_number_or_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("demo", "--households", "many") == 2
    assert "expected a number from 1 up, or 'all'" in capsys.readouterr().err


def test_dead_letters_are_listed_and_sent_again(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    topics = EmbeddedTopics(home)
    topics.declare_topics(["order-received"])
    topics.declare([Subscription("record-order", "order-received")])
    why = {"reason": "not-so", "detail": "a: expected b", "function": "record_order"}
    died = {"CloudPubSubDeadLetterSourceSubscription": "projects/local/subscriptions/record-order"}
    topics.publish("dead-letters", [Message(b"{}", {**why, **died}), Message(b"{}", why)])
    assert run("dead-letters", "list", "--home", str(home)) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[2:] for line in listed] == [["not-so", "record_order", "a: expected b"]] * 2
    assert run("dead-letters", "send-again", "--all", "--home", str(home)) == 0
    assert capsys.readouterr().out == "1 of 2 sent again\n"
    assert topics.counts()["record-order"].ready == 1


def test_the_functions_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("functions") == 0
    assert "relay_outbox" in capsys.readouterr().out


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    shown = capsys.readouterr().out
    for name in ("demo", "dev", "campaign", "dead-letters", "keys", "functions", "version"):
        assert name in shown


def test_the_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("version") == 0
    assert capsys.readouterr().out[0].isdigit()
