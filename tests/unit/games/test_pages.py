"""What docs/games.md and docs/money.md say is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from tombola.campaigns.lifecycle import commitment, rules_hash
from tombola.campaigns.shopper_words import Language
from tombola.digests import digest
from tombola.games.eligibility import Reason
from tombola.games.ledger import ACCOUNTS, Account, Kind
from tombola.games.reason_words import WORDS
from tombola.games.usecases import list_keys

if TYPE_CHECKING:
    from conftest import Game

DOCS = Path(__file__).resolve().parents[3] / "docs"
GAMES, MONEY = ((DOCS / name).read_text(encoding="utf-8") for name in ("games.md", "money.md"))


def test_every_reason_is_explained() -> None:
    assert not {reason for reason in get_args(Reason) if f"`{reason}`" not in GAMES}


def test_every_reason_has_words_in_every_language() -> None:
    assert set(WORDS) == set(get_args(Reason))
    assert all(set(words) == set(get_args(Language)) and all(words.values()) for words in WORDS.values())


def test_every_account_and_kind_of_posting_is_explained() -> None:
    assert set(ACCOUNTS) == set(get_args(Account))
    assert not {word for word in (*ACCOUNTS, *get_args(Kind)) if f"| `{word}` |" not in MONEY}


def test_the_commitment_is_made_as_the_page_says() -> None:
    labels = dict(re.findall(r"\| digest of the (.*?) \| SHA-256\(`(.*?)`", GAMES))
    made = commitment(b"k" * 32, b"s" * 32)
    assert made["id_key"] == digest(labels["id key"], b"k" * 32).hex()
    assert made["seed"] == digest(labels["seed"], b"s" * 32).hex()
    assert rules_hash(b"{}") == digest(labels["rules"], b"{}").hex()


def test_the_pages_own_code_verifies_a_receipt(game: Game) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", GAMES, flags=re.DOTALL)
    page: dict[str, Any] = {}
    exec(code, page)  # noqa: S102 (the page's own example is what is tested)
    answer = game.play(game.earn())
    assert page["check_receipt"](answer.receipt, list_keys(game.ports))["result"] == answer.result
