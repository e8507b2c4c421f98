"""Only the retailer's own, fresh word gets in."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from tombola.errors import Unauthenticated
from tombola.orders.signatures import secret_text, sign, verify

NOW = datetime(2017, 6, 15, 12, tzinfo=UTC)
SECRET, OTHER = b"s" * 32, b"o" * 32
BODY = '{"name":"Crème"}'.encode()


def code_of(headers: Mapping[str, str], body: bytes = BODY, *, now: datetime = NOW, secret: bytes = SECRET) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        verify([secret], headers, body, now)
    assert refusal.value.status == 401
    assert refusal.value.problems
    return refusal.value.code


def signed(**changes: str) -> dict[str, str]:
    return {**sign(SECRET, "msg_1", NOW, BODY), **{name.replace("_", "-"): value for name, value in changes.items()}}


@given(st.binary(min_size=1, max_size=64), st.text(st.characters(codec="utf-8"), max_size=50))
def test_what_was_signed_is_verified_and_gives_the_message_id(secret: bytes, text: str) -> None:
    body = text.encode()
    assert verify([secret], sign(secret, "msg_1", NOW, body), body, NOW) == "msg_1"


def test_the_standard_library_of_senders_signs_what_is_verified_here() -> None:
    theirs = Webhook(secret_text(SECRET)).sign("msg_1", NOW, BODY.decode())
    assert signed()["webhook-signature"] == theirs


def test_header_names_are_taken_in_any_case() -> None:
    assert verify([SECRET], {name.title(): value for name, value in signed().items()}, BODY, NOW) == "msg_1"


def test_during_a_rotation_old_and_new_secret_both_get_in() -> None:
    assert verify([OTHER, SECRET], signed(), BODY, NOW) == "msg_1"
    both = f"{sign(OTHER, 'msg_1', NOW, BODY)['webhook-signature']} {signed()['webhook-signature']}"
    assert verify([SECRET], signed(webhook_signature=both), BODY, NOW) == "msg_1"


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_without_one_of_the_headers_nothing_is_signed(missing: str) -> None:
    assert code_of({name: value for name, value in signed().items() if name != missing}) == "unsigned"


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook_id": "msg.1"},
        {"webhook_id": "x" * 201},
        {"webhook_id": "msg 1"},
        {"webhook_timestamp": "soon"},
        {"webhook_timestamp": f"0{int(NOW.timestamp())}"},
        {"webhook_timestamp": "-1"},
        {"webhook_timestamp": "1e9"},
        {"webhook_timestamp": "\u0662\u0660"},
        {"webhook_timestamp": "9" * 30},
        {"webhook_signature": "v1a,AAAA"},
        {"webhook_signature": " ".join(["v1,AAAA"] * 21)},
    ],
)
def test_headers_of_no_known_form_are_unsigned(changes: dict[str, str]) -> None:
    assert code_of(signed(**changes)) == "unsigned"


def test_several_missing_headers_are_named_at_once() -> None:
    with pytest.raises(Unauthenticated) as refusal:
        verify([SECRET], {}, BODY, NOW)
    assert [each.where for each in refusal.value.problems] == ["webhook-id", "webhook-timestamp", "webhook-signature"]


@pytest.mark.parametrize("away", [timedelta(minutes=5, seconds=1), -timedelta(minutes=5, seconds=1)])
def test_an_old_signature_and_one_from_the_future_are_stale(away: timedelta) -> None:
    assert code_of(signed(), now=NOW + away) == "stale-signature"


def test_five_minutes_are_still_fresh() -> None:
    assert verify([SECRET], signed(), BODY, NOW + timedelta(minutes=5)) == "msg_1"


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook_id": "msg_2"},
        {"webhook_timestamp": str(int(NOW.timestamp()) + 1)},
        {"webhook_signature": "v1,AAAA"},
        {"webhook_signature": "v1,\u00ff"},
    ],
)
def test_a_changed_header_does_not_fit(changes: dict[str, str]) -> None:
    assert code_of(signed(**changes)) == "bad-signature"


@pytest.mark.parametrize("body", [BODY + b" ", b"", b"\xff\xfe"])
def test_a_changed_body_does_not_fit(body: bytes) -> None:
    assert code_of(signed(), body) == "bad-signature"


def test_somebody_elses_signature_does_not_fit() -> None:
    assert code_of(signed(), secret=OTHER) == "bad-signature"


def test_text_cannot_move_between_id_timestamp_and_body() -> None:
    moved = sign(SECRET, "msg", NOW, b"5.{}")
    assert code_of({**moved, "webhook-id": f"msg.{moved['webhook-timestamp']}", "webhook-timestamp": "5"}) == "unsigned"
