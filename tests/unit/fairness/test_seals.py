"""Every change of a play is in one seal, each seal follows the one before, and no crash makes two of one."""

from __future__ import annotations

import base64
import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tombola.fairness.heads import HeadSigner, genesis
from tombola.fairness.merkle import root
from tombola.fairness.usecases import LONGEST_HANDLER, latest_seal, seal_draws
from tombola.games.plays import Play
from tombola.games.records import version_of
from tombola.games.usecases import list_keys
from tombola.ports.documents import Where
from tombola.ports.errors import PreconditionFailed
from tombola.ports.unit_of_work import UnitOfWork, all_of
from tombola.runtime.manifests import functions_folder, read_manifests

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Season

PREFIX = "june-wheel/v1/seals/"


def objects(season: Season, prefix: str = "") -> dict[str, bytes]:
    found = {}
    for info in season.ports.objects.list("audit", prefix):
        with season.ports.objects.open(info.ref) as stream:
            found[info.ref.name] = stream.read()
    return found


def seals(season: Season) -> list[list[dict[str, Any]]]:
    return [[json.loads(each) for each in text.splitlines()] for text in objects(season, PREFIX).values()]


def live_through(season: Season) -> None:
    first, second, third = (season.issue(f"o-{n}") for n in range(3))
    season.seal()
    season.play(first)
    season.issue("o-1", cancelled=True)
    season.later(hours=1)
    season.seal()
    season.issue("o-1")
    season.play(second)
    season.later(hours=1)
    season.seal()
    season.over()
    assert season.look(third).state == "expired"


def test_every_change_is_in_exactly_one_seal(season: Season) -> None:
    live_through(season)
    found = [(item["token"], item["index"], item["state"]) for _, *items in seals(season) for item in items]
    plays = all_of(season.ports.documents, Play, Where("campaign", "==", "june-wheel/v1"))
    expected = [(play.token_id, index, state) for play in plays for index, state in enumerate(play.states)]
    assert sorted(found) == sorted(expected)
    assert len(expected) == 3 + 1 + 3 + 1


def test_heads_are_chained_from_the_launch_on_and_count_what_there_is(season: Season) -> None:
    live_through(season)
    heads = [head for head, *_ in seals(season)]
    assert heads[0]["previous"] == genesis(season.launched)
    assert all(after["previous"] == before["head"] for before, after in pairwise(heads))
    assert [head["number"] for head in heads] == [1, 2, 3, 4]
    counted = [tuple(head["totals"][name] for name in ("open", "played", "revoked", "expired")) for head in heads]
    assert counted == [(3, 0, 0, 0), (1, 1, 1, 0), (1, 2, 0, 0), (0, 2, 0, 1)]
    assert {head["totals"]["issued"] for head in heads} == {3}


def test_nothing_is_sealed_that_a_handler_may_still_be_busy_with(season: Season) -> None:
    season.issue("o-1")
    season.later(seconds=LONGEST_HANDLER.total_seconds())
    assert seal_draws(season.ports) == 0
    season.later(seconds=3)
    assert seal_draws(season.ports) == 1
    longest = max(
        one.sizing.timeout
        for one in read_manifests(functions_folder()).values()
        if "plays" in one.writes.documents and one.name != "seal_draws"
    )
    assert longest <= LONGEST_HANDLER.total_seconds()


def test_sealing_again_changes_nothing_and_an_hour_without_plays_makes_no_seal(season: Season) -> None:
    season.issue("o-1")
    assert season.seal() == 1
    before = objects(season)
    assert seal_draws(season.ports) == 0
    assert season.seal() == 0
    assert objects(season) == before


def test_a_crash_between_the_seal_and_its_objects_is_made_good_to_the_byte(season: Season) -> None:
    live_through(season)
    before = objects(season)
    for info in list(season.ports.objects.list("audit")):
        if "000004" in info.ref.name:
            season.ports.objects.delete(info.ref)
    assert seal_draws(season.ports) == 0
    assert objects(season) == before


def test_two_at_once_make_one_seal(season: Season) -> None:
    season.issue("o-1")
    season.seal()
    made = latest_seal(season.ports, version_of(season.launched))
    documents = season.ports.documents
    assert made is not None
    with pytest.raises(PreconditionFailed):
        documents.commit([UnitOfWork(documents).write(made)])


def test_a_head_is_published_and_its_signature_verifies_with_a_listed_key(
    season: Season, published: Callable[[str], list[dict[str, Any]]]
) -> None:
    season.issue("o-1")
    season.seal()
    (event,) = published("draws-sealed")
    ((head, *_),) = seals(season)
    assert {name: event[name] for name in head} == head
    pem = HeadSigner(1, season.ports.keys.get("head-signing").material).pem()
    load_pem_public_key(pem).verify(base64.b64decode(head["signature"]), head["head"].encode())  # type: ignore[union-attr, call-arg]
    assert head["key"] in [key["kid"] for key in list_keys(season.ports)["keys"]]


def test_the_root_is_that_of_the_rfc() -> None:
    """Values of the reference implementation's own tests (Certificate Transparency, `merkle_tree_test`)."""
    leaves = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
    assert root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root(leaves[:2]).hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert root(leaves[:3]).hex() == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
    assert root(leaves[:7]).hex() == "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"


def test_neither_a_person_nor_a_basket_nor_the_time_of_an_order_is_told(season: Season) -> None:
    live_through(season)
    items = [item for _, *items in seals(season) for item in items]
    assert {name for item in items for name in item} == {"token", "index", "state", "at", "facts"}
    assert {len(item["at"]) for item in items if item["state"] != "played"} == {len("2017-06-15")}
    assert {len(item["at"]) for item in items if item["state"] == "played"} == {len("2017-06-15T13:00:00Z")}
