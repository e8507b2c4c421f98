"""Feature flags: stable for whom they are on, and never an outage."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.adapters.embedded.clock import ReplayClock
from tombola.cli import main
from tombola.errors import NotSetUp
from tombola.ports import Ports
from tombola.ports.errors import Unavailable
from tombola.ports.objects import ObjectInfo
from tombola.runtime.flags import Evaluation, Flag, Rule, evaluate, evaluation, flag, read_flags

Lines = Callable[[], list[dict[str, Any]]]

FILE = """
new-banner:
  summary: The banner of autumn.
  default: false
  rules:
    - {name: friends, when: {retailer: [corner-shop, kiosk]}, value: true}
    - {when: {country: NO, member: true}, percent: 25, value: true}
page-size: {type: integer, default: 20, rules: [{when: {country: DE}, value: 50}]}
greeting: {type: text, default: hello}
"""


def put(ports: Ports, text: str = FILE) -> None:
    ports.objects.replace("config", "flags.yaml", text.encode())


def test_a_flag_has_the_value_of_the_first_rule_that_holds(ports: Ports) -> None:
    put(ports)
    assert flag(ports, "new-banner", default=False, retailer="kiosk") is True
    assert flag(ports, "new-banner", default=False, retailer="other") is False
    assert flag(ports, "page-size", 10, country="DE") == 50
    assert flag(ports, "greeting", "") == "hello"


def test_an_evaluation_says_why(ports: Ports) -> None:
    put(ports)
    assert evaluation(ports, "greeting", "") == Evaluation("hello", "STATIC")
    assert evaluation(ports, "page-size", 10) == Evaluation(20, "DEFAULT")
    assert evaluation(ports, "page-size", 10, country="DE") == Evaluation(50, "TARGETING_MATCH", "1")
    assert evaluation(ports, "new-banner", default=False, retailer="kiosk").variant == "friends"
    found = {
        evaluation(ports, "new-banner", default=False, key=str(number), country="NO", member=True)
        for number in range(100)
    }
    assert found == {Evaluation(True, "SPLIT", "2"), Evaluation(False, "DEFAULT")}  # noqa: FBT003 (the value)


@pytest.mark.parametrize(
    ("name", "default", "attributes", "error"),
    [
        ("nobody", True, {}, "FLAG_NOT_FOUND"),
        ("new-banner", "no", {}, "TYPE_MISMATCH"),
        ("page-size", True, {}, "TYPE_MISMATCH"),
        ("new-banner", True, {"country": "NO", "member": True}, "TARGETING_KEY_MISSING"),
    ],
)
def test_the_codes_own_default_stands_when_something_is_wrong(
    ports: Ports, name: str, default: object, attributes: dict[str, Any], error: str
) -> None:
    put(ports)
    assert evaluation(ports, name, default, **attributes) == Evaluation(default, "ERROR", error=error)


def test_without_a_file_every_flag_has_the_default_of_the_code(ports: Ports) -> None:
    assert evaluation(ports, "new-banner", default=True) == Evaluation(True, "ERROR", error="FLAG_NOT_FOUND")  # noqa: FBT003


@pytest.mark.usefixtures("stream")
def test_a_broken_file_is_no_outage_and_is_said_once(ports: Ports, lines: Lines) -> None:
    put(ports, "new-banner: {defaultt: true}")
    for _ in range(3):
        assert evaluation(ports, "new-banner", default=True) == Evaluation(True, "ERROR", error="PARSE_ERROR")  # noqa: FBT003
    assert [line["severity"] for line in lines()] == ["ERROR"]


class Down:
    """Objects that cannot be read, and count how often they were asked."""

    asked = 0
    open = None

    def stat(self, _bucket: str, _name: str) -> ObjectInfo:
        self.asked += 1
        raise Unavailable


@pytest.mark.usefixtures("stream")
def test_an_outage_gives_the_defaults_and_is_not_asked_at_every_call(ports: Ports, clock: ReplayClock) -> None:
    down = Down()
    out = replace(ports, objects=down)  # type: ignore[arg-type]
    for _ in range(3):
        assert evaluation(out, "new-banner", default=True) == Evaluation(True, "ERROR", error="GENERAL")  # noqa: FBT003
    assert down.asked == 1
    clock.advance(timedelta(seconds=31))
    put(ports)
    assert evaluation(ports, "greeting", "").value == "hello"


PERCENT = st.decimals(0, 100, places=2)


@given(PERCENT, PERCENT, st.text(min_size=1))
def test_a_roll_out_that_grows_takes_nobody_out(one: Decimal, other: Decimal, key: str) -> None:
    low, high = sorted((one, other))
    assert not (on(low, key) and not on(high, key))


def on(percent: Decimal, key: str, name: str = "new-banner") -> bool:
    rules = (Rule(percent=percent, value="true"),)
    return evaluate({name: Flag(default="false", rules=rules)}, name, default=False, key=key, attributes={}).value


def test_a_percentage_is_kept_and_flags_are_independent() -> None:
    keys = [str(number) for number in range(10_000)]
    tenth = {key for key in keys if on(Decimal(10), key)}
    assert 900 < len(tenth) < 1100
    both = {key for key in tenth if on(Decimal(10), key, "other")}
    assert 50 < len(both) < 150
    assert not any(on(Decimal(0), key) for key in keys[:1000])


@pytest.mark.parametrize(
    ("text", "where", "expected"),
    [
        ("a: {default: maybe}", "line 1, column 1: a", "true or false, as the flag's type says"),
        ("a: {type: integer, default: 1.5}", "line 1, column 1: a", "a whole number, as the flag's type says"),
        ("a:\n  default: true\n  rules: [{when: {x: 1}}]", "line 3, column 11: a.rules #1.value", "a value"),
        ("A b: {default: true}", "line 1, column 1: A b", "a-z, 0-9 and -, a letter first"),
        ("a: {default: true, rules: [{percent: 101, value: true}]}", "line 1, column 29: a.rules #1.percent", "100"),
        ("a: {default: true, rules: [{when: {x: []}, value: true}]}", "line 1, column 36: a.rules #1.when.x", "1"),
        ("a: {default: true}\na: {default: false}", "line 2, column 1: a", "every field once"),
        ("a: {default: true, rule: []}", "line 1, column 20: a.rule", "the field rules"),
    ],
)  # fmt: skip
def test_every_problem_of_a_file_is_named_with_its_line(text: str, where: str, expected: str) -> None:
    with pytest.raises(NotSetUp) as caught:
        read_flags(text.encode())
    (problem,) = caught.value.problems
    assert (problem.where, expected in problem.expected) == (where, True), problem


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers() | st.booleans(), max_size=3))
def test_any_attributes_give_a_value(attributes: Mapping[str, Any]) -> None:
    flags = read_flags(FILE.encode()).root
    assert evaluate(flags, "page-size", 1, "k", attributes).value in {20, 50}


def test_the_command_checks_a_file_and_asks_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "flags.yaml"
    path.write_text(FILE, encoding="utf-8")
    for arguments in (["check"], ["evaluate", "page-size", "-a", "country=DE"], ["evaluate", "new-banner"]):
        with pytest.raises(SystemExit) as ended:
            main(["flags", arguments[0], str(path), *arguments[1:]])
        assert ended.value.code == 0
    assert capsys.readouterr().out.splitlines() == [
        "new-banner: boolean, false, rules: 2", "page-size: integer, 20, rules: 1", "greeting: text, hello",
        "50  (TARGETING_MATCH 1)", "false  (DEFAULT)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "none.yaml"], "cannot read none.yaml"),
        (["evaluate", "FILE", "none"], "found 'none'; expected one of a"),
        (["evaluate", "FILE", "a", "-a", "country"], "expected name=value"),
        (["check", "BROKEN"], "line 1, column 1: a: found 'x' as the value of default; expected true or false"),
    ],
)
def test_the_command_refuses_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    files = {"FILE": "a: {default: true}", "BROKEN": "a: {default: x}"}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["flags", *(str(tmp_path / one) if one in files else one for one in arguments)])
    assert ended.value.code == 2
    assert said in " ".join(capsys.readouterr().err.replace("│", "").split())
