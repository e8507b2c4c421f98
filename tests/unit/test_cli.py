"""The command line."""

import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tombola import cli
from tombola.adapters.embedded.keys import EmbeddedKeys
from tombola.adapters.embedded.topics import EmbeddedTopics, Subscription
from tombola.campaigns.usecases import commit_campaign, launch_campaign, list_versions
from tombola.cli_home import HOME_HELP
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey, Replace
from tombola.ports.topics import Message
from tombola.runtime import wiring

CAMPAIGN = Path(__file__).parent / "campaigns" / "files" / "wheel.yaml"
SHOP = b"{retailer: corner-shop, name: Corner Shop, country: US, currency: USD, feeds: {}}"


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
        (("dead-letters", "discard", "7", "x"), "no dead letter 7, x"),
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


def test_a_dead_letter_names_the_file_that_died_and_can_be_discarded(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topics = EmbeddedTopics(home)
    inbox = {"reason": "bad", "CloudPubSubDeadLetterSourceTopic": "inbox-objects"}
    long, odd = f"acme/orders/{'x' * 300}.csv", json.dumps({"name": "acme/new\nline.csv", "size": "payload"}).encode()
    letters = [Message(b"{}", {**inbox, "objectId": long}), Message(odd, inbox), Message(odd, {"reason": "bad"})]
    topics.publish("dead-letters", letters)
    assert run("dead-letters", "list", "--home", str(home)) == 0
    other, refused, notified = (line.split("  ") for line in capsys.readouterr().out.splitlines())
    assert (notified[-1], refused[-1], other[-1]) == (long[:200], r"'acme/new\nline.csv'", "bad")
    assert run("dead-letters", "discard", refused[0], refused[0], "--home", str(home)) == 0
    assert capsys.readouterr().out == "1 dead letter discarded\n"
    assert run("dead-letters", "list", "--home", str(home)) == 0
    shown = capsys.readouterr()
    assert [line.split("  ")[0] for line in shown.out.splitlines()] == [other[0], notified[0]]
    assert shown.err == "2 dead letters\n"


def test_more_dead_letters_than_the_console_shows_can_all_be_settled(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topics = EmbeddedTopics(home)
    died = {"CloudPubSubDeadLetterSourceSubscription": "dead-letters"}
    topics.publish("dead-letters", [Message(b"{}", died)] * 150)
    assert run("dead-letters", "discard", "1", "--home", str(home)) == 0
    assert run("dead-letters", "send-again", "--all", "--home", str(home)) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "149 of 149 sent again"


@pytest.mark.parametrize(("answer", "left"), [("n", 1), ("y", 0)])
def test_a_person_at_a_terminal_is_asked_before_a_letter_is_gone(home: Path, answer: str, left: int) -> None:
    topics = EmbeddedTopics(home)
    topics.publish("dead-letters", [Message(b"{}", {})])
    assert at_a_terminal(answer, "dead-letters", "discard", "1", "--home", str(home)) == left
    assert len(topics.recent("dead-letters", 5)) == left


def test_a_person_at_a_terminal_is_asked_before_a_campaign_is_launched_or_ended(home: Path, committed: Ports) -> None:
    launch = ("campaign", "launch", "spring-wheel", "--witness", "w", "--home", str(home))
    end = ("campaign", "end", "spring-wheel", "--home", str(home))
    seen = []
    for answer, command in (("n", launch), ("y", launch), ("n", end), ("n", (*end, "--yes"))):
        code = at_a_terminal(answer, *command)
        seen.append((code, list_versions(committed, "spring-wheel")[0].status))
    assert seen == [(1, "committed"), (0, "launched"), (1, "launched"), (0, "ended")]


def at_a_terminal(answer: str, *arguments: str) -> int:
    """Return the exit code of a command that is answered with one line on a terminal of its own."""
    ours, theirs = os.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        asked = subprocess.run(
            [sys.executable, "-m", "tombola", *arguments], stdin=theirs, capture_output=True, timeout=60, check=False
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return asked.returncode


def test_the_functions_are_listed_in_a_terminals_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run("functions") == 0
    shown = capsys.readouterr().out
    assert all(len(line) <= 80 for line in shown.splitlines())
    for said in ("relay_outbox", "HTTP POST, public -> play-changed", "schedule */5 * * * *", "HTTP GET, public"):
        assert said in shown


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    shown = capsys.readouterr().out
    for name in ("demo", "dev", "campaign", "reconcile", "dead-letters", "keys", "functions", "version"):
        assert name in shown


def test_the_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    for asked in ("version", "--version"):
        assert run(asked) == 0
        assert capsys.readouterr().out == f"{importlib.metadata.version('tombola')}\n"


@pytest.fixture
def committed(home: Path) -> Ports:
    """Return the ports of the home, in which a campaign is committed."""
    os.environ["TOMBOLA_HOME"] = str(home)
    ports = wiring.ports()
    ports.objects.replace("config", "retailers/corner-shop.yaml", SHOP)
    commit_campaign(ports, CAMPAIGN.read_bytes(), id_key=b"i" * 32, seed=b"s" * 32)
    return ports


def test_books_that_add_up_are_shown_from_three_sides(committed: Ports, capsys: pytest.CaptureFixture[str]) -> None:
    launch_campaign(committed, "spring-wheel", "w")
    assert run("reconcile", "spring-wheel") == 0
    shown = capsys.readouterr()
    rows = {line.split()[0]: line.split()[1:] for line in shown.out.splitlines()}
    assert rows["available"] == ["2000.00"] * 3
    assert rows["funded"] == ["-2000.00"] * 3
    assert rows["difference"] == ["0.00"]
    assert (shown.out.splitlines()[-1], shown.err) == ("it adds up", "")


def test_books_that_do_not_add_up_are_exit_code_1_and_say_why(
    committed: Ports, capsys: pytest.CaptureFixture[str]
) -> None:
    launch_campaign(committed, "spring-wheel", "w")
    (found,) = committed.documents.get([DocumentKey("balances", ("spring-wheel", "1", "0"))])
    assert found is not None
    accounts = {**found.fields["accounts"], "available": 1}  # type: ignore[dict-item]
    committed.documents.commit([Replace(found.key, {**found.fields, "accounts": accounts}, found.version)])
    assert run("reconcile", "spring-wheel", "--version", "1") == 1
    shown = capsys.readouterr()
    assert "difference  1999.99" in shown.out
    assert "problem: balance 0: balance, postings and plays differ by up to 199999 minor units" in shown.err


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "campaign 'nowhere' is not known here"),
        (("spring-wheel",), "was never launched"),
        (("spring-wheel", "--version", "1"), "version 1 of campaign 'spring-wheel' is not launched"),
        (("spring-wheel", "--version", "7"), "version 7 of campaign 'spring-wheel' is not known here"),
    ],
)
def test_there_are_no_books_of_what_was_never_launched(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert run("reconcile", *arguments) == 2
    assert said in capsys.readouterr().err


def test_every_command_says_the_same_of_the_home_folder() -> None:
    cli._add_commands_of([])
    said = {
        parameter.help
        for command in commands(typer.main.get_command(cli.app))
        for parameter in command.params
        if parameter.name == "home"
    }
    assert said == {HOME_HELP}


def commands(of: Any) -> Iterator[Any]:  # noqa: ANN401 (typer does not show the types of its own commands)
    """Yield a command and every command below it."""
    yield of
    for below in getattr(of, "commands", {}).values():
        yield from commands(below)


def test_the_ports_of_google_cloud_need_no_home_folder(tmp_path: Path) -> None:
    ask = "from tombola.cli_home import home_ports; print(type(home_ports(None).documents).__name__)"
    chosen = {
        **os.environ,
        "TOMBOLA_ADAPTERS": "google",
        "TOMBOLA_PROJECT": "shop",
        "TOMBOLA_HOME": str(tmp_path / "no"),
    }
    done = subprocess.run([sys.executable, "-c", ask], check=False, capture_output=True, text=True, env=chosen)
    assert (done.returncode, done.stdout) == (0, "PublishingDocuments\n"), done.stderr
