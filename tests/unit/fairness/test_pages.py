"""What docs/fairness.md and an export's own README say is so."""

import re
from pathlib import Path

from tombola.fairness.events import DrawsSealed
from tombola.fairness.heads import GENESIS_LABEL, HEAD_LABEL, SIGNING_KEY
from tombola.fairness.items import DRAWN_LABEL, ISSUED_LABEL
from tombola.fairness.usecases import LONGEST_HANDLER, SKEW

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "fairness.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "shared" / "tombola" / "fairness" / "guide.md").read_text(encoding="utf-8")
VERIFIER = (ROOT / "tools" / "verify_draws.py").read_text(encoding="utf-8")


def test_every_word_that_a_finding_begins_with_is_explained() -> None:
    words = set(re.findall(r' f?"([a-z]+)(?::| \{number\}:)', VERIFIER)) - {"f"}
    explained = set(re.findall(r"`([a-z]+)`", PAGE.split("a finding begins with")[1].split("\n\n")[0]))
    assert {"repeated", "loser", "head"} <= words
    assert words - explained - {"from", "token", "win"} == set()


def test_the_verifier_is_short_and_needs_nothing_but_python() -> None:
    assert len(VERIFIER.splitlines()) < 400
    assert "tombola" not in re.findall(r"^(?:from|import) (\w+)", VERIFIER, flags=re.MULTILINE)


def test_the_guide_names_every_label_that_is_hashed() -> None:
    for label in (HEAD_LABEL, GENESIS_LABEL, DRAWN_LABEL, ISSUED_LABEL):
        assert f"`{label}`" in GUIDE
        assert f'"{label}"' in VERIFIER


def test_a_head_is_shown_with_every_field_it_has() -> None:
    example = PAGE.split("```json")[1].split("```")[0]
    fields = set(DrawsSealed.model_fields) - {"event_id"}
    assert {name for name in fields if f'"{name}": ' not in example} == set()
    assert f'"{SIGNING_KEY}-v1"' in example


def test_the_delay_of_a_seal_is_the_one_stated() -> None:
    assert f"less {LONGEST_HANDLER.seconds} seconds" in " ".join(PAGE.split())
    assert f"and {SKEW.seconds} seconds" in " ".join(PAGE.split())
