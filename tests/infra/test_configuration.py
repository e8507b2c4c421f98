"""The configuration itself: in form, valid, and its own tests pass."""

import pytest
from tests.infra.checkouts import Checkout

MODULES = (".", "modules/catalog", "modules/function", "modules/bucket")
REQUIRED = {
    "modules/bucket/main.tf": "  location                    = var.location\n",
    "documents.tf": '  type                              = "FIRESTORE_NATIVE"\n',
    "functions.tf": "  dead_letters = google_pubsub_topic.this[local.dead_letters].name\n",
    "topics.tf": "  name                       = each.value\n",
}
"""Lines of files without which the configuration is not valid."""


def test_every_file_is_in_form(checkout: Checkout) -> None:
    assert checkout.asked("fmt", "-check", "-recursive", "-diff") == ""


def test_it_is_valid(checkout: Checkout) -> None:
    assert "Success!" in checkout.asked("validate")


@pytest.mark.parametrize("module", MODULES)
def test_its_own_tests_pass(checkout: Checkout, module: str) -> None:
    said = checkout.asked("test", within=module)
    assert ", 0 failed" in said
    assert "Success! 0 passed" not in said


def test_without_a_required_argument_it_is_refused(damaged: Checkout) -> None:
    for name, line in REQUIRED.items():
        damaged.replace(name, line, "")
        assert "Missing required argument" in refusal(damaged), name
        damaged.restore(name)
    damaged.replace("modules/function/trigger.tf", "enable_message_ordering ", "enable_message_disorder ")
    assert "Unsupported argument" in refusal(damaged)


def refusal(checkout: Checkout) -> str:
    """Return why the configuration is not valid, which it must not be."""
    done = checkout.run("validate")
    assert done.returncode != 0
    return done.stderr
