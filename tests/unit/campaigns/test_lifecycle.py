import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tombola.adapters.embedded.clock import ReplayClock
from tombola.campaigns.lifecycle import Version, canonical, commitment, rules_hash
from tombola.campaigns.model import Campaign
from tombola.campaigns.usecases import (
    candidates,
    commit_campaign,
    end_campaign,
    find_launched,
    launch_campaign,
    list_versions,
    live_campaigns,
)
from tombola.errors import Conflict, Malformed, NotSetUp, Unknown
from tombola.orders.facts import Header, Order
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey, Documents, Fields, OutboundEvent, Snapshot, Where, Write
from tombola.ports.errors import PreconditionFailed, Unavailable

BEFORE_IT_OPENS = datetime(2027, 2, 20, 9, tzinfo=UTC)
INSIDE = datetime(2027, 3, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _some_days_before_it_opens(clock: ReplayClock) -> None:
    clock.set(BEFORE_IT_OPENS)


def commit(ports: Ports, text: str) -> Version:
    return commit_campaign(ports, text, id_key=os.urandom(32), seed=os.urandom(32))


class FailingOnce:
    """Documents that are out of order for the first commit."""

    def __init__(self, documents: Documents) -> None:
        self._documents, self._failed = documents, False

    def get(self, keys: list[DocumentKey]) -> list[Snapshot | None]:
        return self._documents.get(keys)

    def query(
        self, collection: str, where: list[Where], *, order_by: str | None = None, limit: int | None = None
    ) -> Iterator[Snapshot]:
        return self._documents.query(collection, where, order_by=order_by, limit=limit)

    def commit(self, writes: list[Write], events: list[OutboundEvent] | tuple[()] = ()) -> None:
        if not self._failed:
            self._failed = True
            msg = "out of order"
            raise Unavailable(msg)
        self._documents.commit(writes, events)


def fields(ports: Ports, collection: str, *parts: str) -> Fields:
    (snapshot,) = ports.documents.get([DocumentKey(collection, parts)])
    assert snapshot is not None
    return snapshot.fields


def test_a_commitment_is_the_digest_of_the_keys_that_are_stored(ports: Ports, campaign_text: str) -> None:
    version = commit(ports, campaign_text)
    keys = [ports.keys.get(f"campaign-spring-wheel-v1-{kind}") for kind in ("id", "seed")]
    assert version.commitment == commitment(*(key.material for key in keys))
    assert keys[0].material != keys[1].material
    assert fields(ports, "campaigns", "spring-wheel", "1")["status"] == "committed"


def test_committing_again_changes_nothing(ports: Ports, campaign_text: str) -> None:
    first = commit(ports, campaign_text)
    assert commit(ports, f"# a remark\n{campaign_text}".replace('"50.00"', "50.0")) == first
    assert len(list_versions(ports, "spring-wheel")) == 1


def test_a_commit_that_crashed_half_way_keeps_its_keys(ports: Ports, campaign_text: str) -> None:
    crashing = replace(ports, documents=FailingOnce(ports.documents))
    with pytest.raises(Unavailable):
        commit(crashing, campaign_text)
    stored = ports.keys.get("campaign-spring-wheel-v1-seed").material
    version = commit(crashing, campaign_text)
    assert ports.keys.get("campaign-spring-wheel-v1-seed").material == stored
    assert version.commitment == commitment(ports.keys.get("campaign-spring-wheel-v1-id").material, stored)


def test_other_rules_are_another_version_with_other_keys(ports: Ports, campaign_text: str) -> None:
    id_key, seed = os.urandom(32), os.urandom(32)
    versions = [
        commit_campaign(ports, text, id_key=id_key, seed=seed)
        for text in (campaign_text, campaign_text.replace("moments: 40", "moments: 39"))
    ]
    assert [version.version for version in versions] == [1, 2]
    digests = [digest for version in versions for digest in version.commitment.values()]
    assert len(set(digests)) == 4


def test_of_many_commits_at_once_each_version_has_one(ports: Ports, campaign_text: str) -> None:
    def attempt(moments: int) -> int:
        while True:
            try:
                return commit(ports, campaign_text.replace("moments: 40", f"moments: {moments}")).version
            except PreconditionFailed:
                continue

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, (10, 20, 30, 40))) == [1, 2, 3, 4]
    assert len({version.rules_hash for version in list_versions(ports, "spring-wheel")}) == 4


def test_a_malformed_file_names_every_fault_and_leaves_nothing(ports: Ports, campaign_text: str) -> None:
    with pytest.raises(Malformed) as refused:
        commit(ports, campaign_text.replace("wheel\nprizes", "x\nprizes").replace("[corner-shop]", "[nowhere]"))
    assert [problem.where.split(": ")[1] for problem in refused.value.problems] == ["retailers #1", "game"]
    assert ports.keys.versions("campaign-spring-wheel-v1-id") == []


def test_short_randomness_is_refused(ports: Ports, campaign_text: str) -> None:
    with pytest.raises(ValueError, match="16 bytes of randomness; expected 32"):
        commit_campaign(ports, campaign_text, id_key=b"x" * 16, seed=b"x" * 32)


def test_a_launch_freezes_the_rules_and_opens_the_money(ports: Ports, campaign_text: str, campaign: Campaign) -> None:
    committed = commit(ports, campaign_text)
    launched = launch_campaign(ports, "spring-wheel", "Bailiff 4711")
    assert launched.rules == campaign
    assert launched.rules_hash == committed.rules_hash == rules_hash(canonical(campaign))
    assert (launched.status, launched.witness, launched.launched_at) == ("launched", "Bailiff 4711", BEFORE_IT_OPENS)
    assert launched.commitment == committed.commitment
    balance = fields(ports, "balances", "spring-wheel", "1", "0")["accounts"]
    assert isinstance(balance, dict)
    assert balance["available"] == 200_000


def test_a_relaunch_by_the_same_witness_changes_nothing(ports: Ports, campaign_text: str, clock: ReplayClock) -> None:
    commit(ports, campaign_text)
    launched = launch_campaign(ports, "spring-wheel", "w")
    clock.advance(timedelta(days=1))
    assert launch_campaign(ports, "spring-wheel", "w") == launched


def test_a_relaunch_by_another_witness_is_refused(ports: Ports, campaign_text: str) -> None:
    commit(ports, campaign_text)
    launch_campaign(ports, "spring-wheel", "w")
    with pytest.raises(Conflict) as refused:
        launch_campaign(ports, "spring-wheel", "another")
    assert refused.value.code == "already-launched"


@pytest.mark.parametrize("witness", ["", " w", "a\nb", "x" * 201])
def test_a_witness_that_could_be_read_in_two_ways_is_refused(ports: Ports, campaign_text: str, witness: str) -> None:
    commit(ports, campaign_text)
    with pytest.raises(Malformed):
        launch_campaign(ports, "spring-wheel", witness)


def test_two_versions_are_never_live_at_once(ports: Ports, campaign_text: str) -> None:
    commit(ports, campaign_text)
    launch_campaign(ports, "spring-wheel", "w")
    commit(ports, campaign_text.replace("moments: 40", "moments: 39"))
    with pytest.raises(Conflict) as refused:
        launch_campaign(ports, "spring-wheel", "w2")
    assert refused.value.code == "another-version-is-live"
    end_campaign(ports, "spring-wheel")
    assert launch_campaign(ports, "spring-wheel", "w2").version == 2
    assert [each.version for each in live_campaigns(ports)] == [2]
    assert find_launched(ports, "spring-wheel", 1).status == "ended"


def test_of_many_launches_at_once_one_opens_the_money(ports: Ports, campaign_text: str) -> None:
    commit(ports, campaign_text)

    def attempt(witness: str) -> str:
        try:
            return launch_campaign(ports, "spring-wheel", witness).witness
        except (PreconditionFailed, Conflict):
            return ""

    with ThreadPoolExecutor(4) as pool:
        won = [witness for witness in pool.map(attempt, ("a", "b", "c", "d")) if witness]
    assert [find_launched(ports, "spring-wheel", 1).witness] == won


def test_a_launch_and_an_end_are_seen_at_once_by_the_process_that_makes_them(ports: Ports, campaign_text: str) -> None:
    assert live_campaigns(ports) == ()
    commit(ports, campaign_text)
    launched = launch_campaign(ports, "spring-wheel", "w")
    assert live_campaigns(ports) == (launched,)
    ended = end_campaign(ports, "spring-wheel")
    assert live_campaigns(ports) == ()
    assert find_launched(ports, "spring-wheel", 1) == ended


def test_another_process_sees_a_launch_after_thirty_seconds(
    ports: Ports, campaign_text: str, clock: ReplayClock
) -> None:
    elsewhere = replace(ports, memo=type(ports.memo)(lambda: clock.now().timestamp()))
    assert live_campaigns(elsewhere) == ()
    commit(ports, campaign_text)
    launch_campaign(ports, "spring-wheel", "w")
    clock.advance(timedelta(seconds=31))
    assert len(live_campaigns(elsewhere)) == 1


def test_ending_again_changes_nothing(ports: Ports, campaign_text: str, clock: ReplayClock) -> None:
    commit(ports, campaign_text)
    launch_campaign(ports, "spring-wheel", "w")
    ended = end_campaign(ports, "spring-wheel")
    clock.advance(timedelta(days=1))
    assert end_campaign(ports, "spring-wheel") == ended
    assert ended.ended_at == BEFORE_IT_OPENS


@pytest.mark.parametrize("ask", [launch_campaign, find_launched])
def test_an_unknown_campaign_is_unknown(ports: Ports, ask: Callable[..., object]) -> None:
    for campaign in ("nowhere", ""):
        with pytest.raises(Unknown):
            ask(ports, campaign, 1 if ask is find_launched else "w")
    with pytest.raises(Unknown):
        end_campaign(ports, "nowhere")
    with pytest.raises(Unknown):
        list_versions(ports, "nowhere")


def test_a_version_that_is_only_committed_is_not_launched(ports: Ports, campaign_text: str) -> None:
    commit(ports, campaign_text)
    with pytest.raises(Unknown):
        find_launched(ports, "spring-wheel", 1)
    with pytest.raises(Conflict) as refused:
        end_campaign(ports, "spring-wheel")
    assert refused.value.code == "not-launched"
    assert live_campaigns(ports) == ()


def test_a_broken_retailer_file_is_said_so(ports: Ports, campaign_text: str) -> None:
    ports.objects.replace("config", "retailers/corner-shop.yaml", b"time_zone: Mars/Olympus")
    with pytest.raises(NotSetUp) as refused:
        commit(ports, campaign_text)
    assert refused.value.code == "malformed-retailer"


ORDER = Order(
    retailer="corner-shop",
    order_id="o",
    revision=1,
    authoritative=True,
    header=Header(shopper="s", store_id="7", ordered_at=INSIDE, currency="USD"),
    lines=(),
)


@pytest.mark.parametrize(
    ("rules", "order", "header", "fits"),
    [
        ({}, {}, {}, True),
        ({}, {"retailer": "elsewhere"}, {}, False),
        ({"stores": ["7"]}, {}, {}, True),
        ({"stores": ["8"]}, {}, {}, False),
        ({"channels": ["web"]}, {}, {}, False),
        ({}, {}, {"currency": "EUR"}, False),
        ({}, {}, {"ordered_at": datetime(2027, 3, 1, 5, tzinfo=UTC)}, True),
        ({}, {}, {"ordered_at": datetime(2027, 3, 1, 4, 59, 59, tzinfo=UTC)}, False),
        ({}, {}, {"ordered_at": datetime(2027, 4, 1, 3, 59, 59, tzinfo=UTC)}, True),
        ({}, {}, {"ordered_at": datetime(2027, 4, 1, 4, tzinfo=UTC)}, False),
    ],
)
def test_an_order_takes_part_where_and_when_the_rules_say(
    rules: dict[str, object], order: dict[str, object], header: dict[str, object], *, fits: bool,
    ports: Ports, campaign_text: str, campaign_with: Callable[..., Campaign],
) -> None:  # fmt: skip
    commit(ports, campaign_text)
    launched = launch_campaign(ports, "spring-wheel", "w").model_copy(update={"rules": campaign_with(**rules)})
    made = ORDER.model_copy(update={**order, "header": ORDER.header.model_copy(update=header)})
    assert bool(candidates([launched], made)) == fits


def test_an_order_before_the_launch_or_after_the_end_takes_no_part(
    ports: Ports, campaign_text: str, clock: ReplayClock
) -> None:
    commit(ports, campaign_text)
    clock.set(INSIDE)
    launch_campaign(ports, "spring-wheel", "w")
    clock.advance(timedelta(hours=1))
    ended = end_campaign(ports, "spring-wheel")

    def takes_part(at: datetime) -> bool:
        return bool(
            candidates([ended], ORDER.model_copy(update={"header": Header(**{**dict(ORDER.header), "ordered_at": at})}))
        )

    moments = [INSIDE - timedelta(seconds=1), INSIDE, INSIDE + timedelta(minutes=59), INSIDE + timedelta(hours=1)]
    assert [takes_part(at) for at in moments] == [False, True, True, False]
