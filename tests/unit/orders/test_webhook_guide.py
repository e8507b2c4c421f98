"""What docs/webhooks.md tells a retailer to run is accepted here."""

import re
import runpy
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tombola.orders.doors import TYPE_AT, OrderMessage
from tombola.orders.signatures import secret_text, verify

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "webhooks.md").read_text(encoding="utf-8")
SECRET = bytes(range(32))


def example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert found
    return found[1]


def test_the_python_example_signs_what_is_verified_here(tmp_path: Path) -> None:
    (tmp_path / "signed.py").write_text(example("python"), encoding="utf-8")
    signed = runpy.run_path(str(tmp_path / "signed.py"))["signed"]
    now, body = datetime(2017, 6, 15, 12, tzinfo=UTC), '{"name": "Crème"}'.encode()
    assert verify([SECRET], signed(secret_text(SECRET), "msg_1", int(now.timestamp()), body), body, now) == "msg_1"


@pytest.mark.skipif(not all(map(shutil.which, ("bash", "openssl"))), reason="the example needs bash and openssl")
def test_the_command_line_example_signs_what_is_verified_here() -> None:
    script = example("bash").partition("curl")[0] + 'printf "%s\\n" "$ID" "$TIMESTAMP" "$SIGNATURE" "$BODY"'
    bash = shutil.which("bash") or "bash"
    said = subprocess.run(
        [bash, "-euc", f"SECRET={secret_text(SECRET)}\n{script}"], capture_output=True, check=True, encoding="utf-8"
    ).stdout
    message_id, timestamp, signature, body = said.removesuffix("\n").split("\n", 3)
    headers = {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{signature}"}
    assert verify([SECRET], headers, body.encode(), datetime.fromtimestamp(int(timestamp), UTC)) == message_id


def test_the_guide_names_every_field_and_type() -> None:
    assert all(f"`{name}`" in GUIDE for name in (*OrderMessage.model_fields, *TYPE_AT.values()))
