"""Keys become public when nobody can use them any more, and everybody is told when they do not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tombola.campaigns.lifecycle import commitment
from tombola.campaigns.usecases import end_campaign
from tombola.errors import Conflict
from tombola.fairness.revealing import failed_audit
from tombola.fairness.usecases import export_audit, reveal_campaign, seal_draws
from tombola.ports.errors import NotFound
from tombola.settling.usecases import settle_plays

if TYPE_CHECKING:
    from conftest import Season

DUE = datetime(2017, 7, 31, tzinfo=UTC)


def obstacles(season: Season) -> list[str]:
    with pytest.raises(Conflict) as refused:
        reveal_campaign(season.ports, "june-wheel")
    assert refused.value.code == "not-to-be-revealed"
    with pytest.raises(NotFound):
        season.ports.objects.stat("audit", "june-wheel/v1/reveal.json")
    return [problem.where for problem in refused.value.problems]


def test_no_key_is_revealed_before_the_end_nor_while_a_token_can_be_played_nor_before_all_is_sealed(
    season: Season,
) -> None:
    season.issue("o-1")
    assert obstacles(season) == ["status", "tokens", "plays", "seals"]
    end_campaign(season.ports, "june-wheel")
    seal_draws(season.ports)
    assert obstacles(season) == ["tokens", "plays", "seals"]
    season.later(days=3)
    assert obstacles(season) == ["plays", "seals"]
    settle_plays(season.ports)
    assert obstacles(season) == ["seals"]
    season.seal()
    assert reveal_campaign(season.ports, "june-wheel").status == "revealed"


def test_what_is_revealed_are_the_keys_that_were_committed_and_revealing_again_changes_nothing(season: Season) -> None:
    season.play(season.issue("o-1"))
    season.over()
    first = reveal_campaign(season.ports, "june-wheel")
    season.later(hours=1)
    assert reveal_campaign(season.ports, "june-wheel", 1) == first
    with season.ports.objects.open(season.ports.objects.stat("audit", "june-wheel/v1/reveal.json").ref) as stream:
        keys = json.loads(stream.read())
    made = commitment(bytes.fromhex(keys["id_key"]), bytes.fromhex(keys["seed"]))
    assert made == season.launched.commitment
    assert seal_draws(season.ports) == 0


def test_a_crash_after_the_keys_were_written_is_made_good(season: Season) -> None:
    season.over()
    season.ports.objects.replace("audit", "june-wheel/v1/reveal.json", b"as the crashed attempt wrote it")
    assert reveal_campaign(season.ports, "june-wheel").status == "revealed"


def test_keys_that_are_late_are_a_failed_audit() -> None:
    before, after = DUE.replace(day=30), DUE.replace(month=8)
    assert failed_audit(DUE, None, before) is None
    assert failed_audit(DUE, before, after) is None
    assert "they are not" in (failed_audit(DUE, None, after) or "")
    assert "they were at 2017-08-31" in (failed_audit(DUE, after, after) or "")


def test_an_export_holds_the_keys_only_once_they_are_revealed_and_is_the_same_bytes_again(season: Season) -> None:
    season.play(season.issue("o-1", cents=1234))
    season.over()
    before = dict(export_audit(season.ports, "june-wheel"))
    assert "reveal.json" not in before
    assert not any(key.hex().encode() in data for data in before.values() for key in keys_of(season))
    reveal_campaign(season.ports, "june-wheel")
    after = dict(export_audit(season.ports, "june-wheel"))
    assert set(after) - set(before) == {"reveal.json"}
    assert all(key.hex().encode() in after["reveal.json"] for key in keys_of(season))
    assert dict(export_audit(season.ports, "june-wheel", 1)) == after


def test_an_export_names_no_order_and_no_shopper(season: Season) -> None:
    season.play(season.issue("o-1"))
    season.over()
    exported = dict(export_audit(season.ports, "june-wheel"))
    text = b"".join(data for name, data in exported.items() if name not in {"README.md", "rules.json"})
    assert b"shopper" not in text
    assert b"o-1" not in text
    assert b"base" not in text


def keys_of(season: Season) -> list[bytes]:
    return [season.ports.keys.get(name, 1).material for name in (season.launched.id_key, season.launched.seed_key)]
