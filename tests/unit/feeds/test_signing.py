"""Receipts are signed: whoever holds one can tell that it is ours, and that nobody changed it."""

import json
import os
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from tombola import cli
from tombola.adapters.embedded.keys import EmbeddedKeys
from tombola.errors import Malformed, NotSetUp, Unauthenticated
from tombola.feeds import usecases
from tombola.feeds.receipts import Receipt
from tombola.feeds.signing import ReceiptSigner, public_keys, signed_bytes, verify
from tombola.games.usecases import list_keys
from tombola.ports import Ports
from tombola.ports.objects import ObjectRef
from tombola.runtime import wiring

Judge = Callable[..., Receipt]
Orders = Callable[..., str]
LINE = "1,1,42,s1,2017-06-01T10:00:00,p1,1,2.50,0,0"
SIGNER = ReceiptSigner(1, bytes(range(32)))
KEYS = {SIGNER.key_id: SIGNER.public_key}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=9,
)


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    before = os.environ.get("TOMBOLA_HOME")
    wiring.install(None)
    yield
    wiring.install(None)
    os.environ.pop("TOMBOLA_HOME", None)
    if before is not None:
        os.environ["TOMBOLA_HOME"] = before


@pytest.fixture
def receipt(ports: Ports, judge: Judge, orders: Orders) -> dict[str, Any]:
    """Return a receipt as it lies in the bucket."""
    name = judge(orders(LINE, "2,1,é,s1,2017-06-01T10:00:00,p1,œ,2.50,0,0")).receipt
    with ports.objects.open(ports.objects.stat("receipts", name).ref) as stream:
        found = json.load(stream)
    assert isinstance(found, dict)
    return found


def signed(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"signature": {"key": SIGNER.key_id, "value": SIGNER.sign(document)}}


def changed(document: Any) -> Iterator[Any]:  # noqa: ANN401 (any JSON)
    """Yield the document with each of its values changed, one at a time."""
    for name, value in document.items():
        if isinstance(value, dict):
            yield from ({**document, name: one} for one in changed(value))
        yield {**document, name: "something else"}
        yield {key: kept for key, kept in document.items() if key != name}


def test_a_receipt_is_signed_by_a_key_that_list_keys_lists(ports: Ports, receipt: dict[str, Any]) -> None:
    assert verify(receipt, public_keys(list_keys(ports))) == "receipt-signing-v1"


def test_a_stranger_can_check_it_without_this_code(ports: Ports, receipt: dict[str, Any]) -> None:
    signature = receipt.pop("signature")
    (jwk,) = [one for one in list_keys(ports)["keys"] if one["kid"] == signature["key"]]
    key = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(jwk["x"] + "="))
    text = json.dumps(receipt, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    key.verify(urlsafe_b64decode(signature["value"] + "=="), re.sub(r"\b(\d+)\.0\b", r"\1", text).encode())


def test_no_value_of_a_receipt_can_be_changed(ports: Ports, receipt: dict[str, Any]) -> None:
    keys = public_keys(list_keys(ports))
    others = list(changed(receipt))
    assert len(others) > 40
    for other in (*others, receipt | {"added": 1}):
        with pytest.raises(Unauthenticated):
            verify(other, keys)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=5))
def test_any_json_keeps_its_signature_however_it_is_written(document: dict[str, Any]) -> None:
    whole = signed(document)
    for text in (json.dumps(whole, indent=3), json.dumps(whole, ensure_ascii=False, sort_keys=True)):
        assert verify(json.loads(text), KEYS) == "receipt-signing-v1"


def test_the_canonical_form_is_that_of_rfc_8785() -> None:
    document = {"\u20ac": 1.0, "\r": '\u000f\n"\\', "\U0001f600": [0.5, True, None], "\ufb33": {}, "1": -0.0}
    expected = '{"\\r":"\\u000f\\n\\"\\\\","1":0,"\u20ac":1,"\U0001f600":[0.5,true,null],"\ufb33":{}}'
    assert signed_bytes(document).decode() == expected


@pytest.mark.parametrize(
    ("signature", "code"),
    [
        (None, "unsigned-receipt"),
        ("x", "unsigned-receipt"),
        ({"key": "receipt-signing-v2", "value": SIGNER.sign({"a": 1})}, "foreign-receipt"),
        ({"key": ["receipt-signing-v1"], "value": ""}, "foreign-receipt"),
        ({"key": SIGNER.key_id, "value": SIGNER.sign({"a": 2})}, "forged-receipt"),
        ({"key": SIGNER.key_id, "value": SIGNER.sign({"a": 1}) + "="}, "forged-receipt"),
        ({"key": SIGNER.key_id, "value": "é"}, "forged-receipt"),
        ({"key": SIGNER.key_id, "value": 7}, "forged-receipt"),
        ({"key": SIGNER.key_id}, "forged-receipt"),
    ],
)
def test_what_is_wrong_with_a_signature_has_a_name(signature: object, code: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        verify({"a": 1, "signature": signature}, KEYS)
    assert refused.value.code == code


@pytest.mark.parametrize("jwks", [[], {}, {"keys": 1}, {"keys": [{"crv": "Ed25519", "x": "short"}]}])
def test_what_is_no_key_set_is_refused(jwks: object) -> None:
    with pytest.raises(Malformed):
        public_keys(jwks)


def test_old_receipts_stay_genuine_when_the_key_is_rotated(ports: Ports, judge: Judge, orders: Orders) -> None:
    first = judge(orders(LINE), file="first.csv")
    ports.keys.rotate("receipt-signing", bytes(32))
    ports.memo.forget("receipt-signing", "receipt-signing-jwks")
    second = judge(orders(LINE), file="second.csv")
    keys = public_keys(list_keys(ports))
    named = [verify(one.model_dump(mode="json"), keys) for one in (first, second)]
    assert named == ["receipt-signing-v1", "receipt-signing-v2"]


def test_no_receipt_is_given_without_a_key(
    ports: Ports, tmp_path: Path, put: Callable[..., ObjectRef], orders: Orders
) -> None:
    keys = EmbeddedKeys(tmp_path / "other")
    keys.create("pseudonym-corner-shop", bytes(32))
    with pytest.raises(NotSetUp) as refused:
        usecases.validate_feed(replace(ports, keys=keys), put(orders(LINE)), attempt="one")
    assert refused.value.code == "unknown-key"
    assert list(ports.objects.list("receipts")) == []


def test_the_signing_key_never_shows() -> None:
    assert repr(SIGNER) == "ReceiptSigner(version=1)"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(["receipt", "verify", *arguments])
    return int(ended.value.code or 0)


def test_the_command_tells_a_genuine_receipt_from_another(
    ports: Ports, receipt: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "keys.json").write_text(json.dumps(list_keys(ports)), encoding="utf-8")
    file, keys = str(tmp_path / "r.json"), ("--keys", str(tmp_path / "keys.json"))
    Path(file).write_text(json.dumps(receipt), encoding="utf-8")
    assert run(file, *keys) == 0
    assert "genuine: signed by receipt-signing-v1\ncorner-shop/orders/file.csv" in capsys.readouterr().out
    assert run(file, "--home", str(tmp_path / "home")) == 0
    Path(file).write_text(json.dumps(receipt | {"accepted": 2}), encoding="utf-8")
    capsys.readouterr()
    assert run(file, *keys) == 1
    assert capsys.readouterr().err.startswith("not genuine: the receipt is not the one that was signed")


@pytest.mark.parametrize("text", [None, "", "[]", '{"a": 1, "a": 2}', "\x00"])
def test_the_command_says_what_it_cannot_read(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "r.json").write_text(text, encoding="utf-8")
    (tmp_path / "keys.json").write_text('{"keys": []}', encoding="utf-8")
    assert run(str(tmp_path / "r.json"), "--keys", str(tmp_path / "keys.json")) == 2


def test_the_command_needs_keys(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("{}", encoding="utf-8")
    assert run(str(tmp_path / "r.json"), "--home", str(tmp_path / "none")) == 2
