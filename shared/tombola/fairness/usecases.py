"""Seal what was drawn, make the keys public, export what a stranger needs to check it all."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from tombola.campaigns.model import Launched
from tombola.campaigns.usecases import launched_version, reveal_version, started_campaigns
from tombola.draws.claims import narrowed, probes
from tombola.errors import Fault
from tombola.fairness.canonical import line
from tombola.fairness.events import draws_sealed
from tombola.fairness.exporting import Audited, export_files
from tombola.fairness.heads import SIGNING_KEY, HeadSigner, Seal, in_order, sealed
from tombola.fairness.items import Item, items_of
from tombola.fairness.revealing import check_reveal, reveal_line
from tombola.games.ledger import Balance, Posting
from tombola.games.plays import Play, shards_of
from tombola.games.records import CampaignVersion, Record, version_of
from tombola.games.stocks import Stock
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey, Where
from tombola.ports.errors import NotFound, PreconditionFailed
from tombola.ports.objects import ObjectRef
from tombola.ports.unit_of_work import UnitOfWork, all_of

R = TypeVar("R", bound=Record)

LONGEST_HANDLER = timedelta(seconds=540)
"""No function that changes plays runs longer, so what bears an earlier time is committed, or never will be."""
SKEW = timedelta(seconds=2)
"""How far two instances' clocks may differ."""
MOST_SEALS = 1_000_000
"""More than a hundred years of hours."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
AUDIT = "audit"


def seal_draws(ports: Ports) -> int:
    """Seal what is new in every campaign version whose keys are not revealed; return how many seals were made.

    A version that cannot be sealed does not hold up the others: raises an `ExceptionGroup` of the faults after them.
    """
    made, faults = 0, []
    for launched in started_campaigns(ports):
        try:
            made += launched.status != "revealed" and seal(ports, launched) is not None
        except Fault as fault:
            faults.append(fault)
    if faults:
        msg = "campaigns that cannot be sealed"
        raise ExceptionGroup(msg, faults)
    return made


def seal(ports: Ports, launched: Launched) -> Seal | None:
    """Seal every change of a version's plays that no seal holds and that no handler can still be busy with.

    Each change is in one seal: the seal is created once by its number, with its cutoff, before its objects are
    written; whoever finds them missing writes the very same bytes. None where there is nothing new.
    """
    last = latest_seal(ports, version_of(launched))
    if last is not None:
        _publish(ports, launched, last)
    cutoff = (ports.clock.now() - LONGEST_HANDLER - SKEW).replace(microsecond=0)
    items = in_order(_changed(ports, launched, BEGINNING if last is None else last.cutoff, cutoff))
    if not items:
        return None
    key = ports.keys.get(SIGNING_KEY)
    made = sealed(launched, last, items, cutoff, HeadSigner(key.version, key.material))
    ports.documents.commit([UnitOfWork(ports.documents).write(made)], [draws_sealed(made).outbound()])
    _write(ports, made, items)
    return made


def reveal_campaign(ports: Ports, campaign: str, version: int | None = None) -> Launched:
    """Make both keys of a version public, the last launched one by default; done before, nothing changes.

    The object `<campaign>/v<version>/reveal.json` is written before the version says `revealed`.

    Raises `Unknown`, `Conflict` (`not-to-be-revealed`) while a token can be played or a draw is not sealed.
    """
    launched = launched_version(ports, campaign, version).launched()
    if launched.status != "revealed":
        of = version_of(launched)
        last = latest_seal(ports, of)
        since = BEGINNING if last is None else last.cutoff
        plays = all_of(ports.documents, Play, Where("campaign", "==", of.text))
        counts = Counter[str]()
        for play in plays:
            counts["open"] += play.state == "open"
            counts["unsealed"] += sum(item.counts_from > since for item in items_of(play))
        check_reveal(launched, open_plays=counts["open"], unsealed=counts["unsealed"], now=ports.clock.now())
    keys = (ports.keys.get(name, 1).material for name in (launched.id_key, launched.seed_key))
    _create(ports, _reveal_name(launched), [reveal_line(launched, *keys)])
    return reveal_version(ports, campaign, launched.version)


def export_audit(ports: Ports, campaign: str, version: int | None = None) -> Iterator[tuple[str, bytes]]:
    """Yield the files of an audit's export by name: of the last launched version by default. Keys once revealed.

    Reads are not isolated: ask while nothing is written. Raises `Unknown`.
    """
    chosen = launched_version(ports, campaign, version)
    launched = chosen.launched()
    of = version_of(launched)
    last = latest_seal(ports, of)
    if last is not None:
        _publish(ports, launched, last)
    found = [info.ref for info in ports.objects.list(AUDIT, f"{of.text}/seals/")]
    signed_by = {seal.signing_version for seal in _all(ports, Seal, of)}
    signers = [HeadSigner(one, ports.keys.get(SIGNING_KEY, one).material) for one in sorted(signed_by)]
    audited = Audited(
        version=chosen,
        plays=_all(ports, Play, of),
        postings=list(_all(ports, Posting, of)),
        balances=list(_all(ports, Balance, of)),
        stocks=list(_all(ports, Stock, of)),
        seals={ref.name.rpartition("/")[2]: _read(ports, ref) for ref in found},
        head_keys={signer.key_id: signer.pem() for signer in signers},
        reveal=_read(ports, ports.objects.stat(AUDIT, _reveal_name(launched)).ref)
        if launched.status == "revealed"
        else None,
    )
    yield from export_files(audited)


def latest_seal(ports: Ports, of: CampaignVersion) -> Seal | None:
    """Return the last seal of a campaign version, None if there is none yet."""
    low, high = 0, MOST_SEALS
    while low < high:
        numbers = list(probes(low, high))
        found = ports.documents.get([DocumentKey(Seal.COLLECTION, (*of.parts, str(n + 1))) for n in numbers])
        low, high = narrowed(low, high, [(n, each is not None) for n, each in zip(numbers, found, strict=True)])
    return UnitOfWork(ports.documents).read(Seal, (*of.parts, str(low))) if low else None


def _publish(ports: Ports, launched: Launched, made: Seal) -> None:
    """Write the objects of a seal whose maker died before it could."""
    try:
        ports.objects.stat(AUDIT, _name(made, "seals", "jsonl"))
    except NotFound:
        before = UnitOfWork(ports.documents).read(Seal, (*made.of.parts, str(made.number - 1)))
        since = BEGINNING if before is None else before.cutoff
        _write(ports, made, in_order(_changed(ports, launched, since, made.cutoff)))


def _changed(ports: Ports, launched: Launched, since: datetime, until: datetime) -> Iterator[Item]:
    """Yield the items that count from after `since` to `until`.

    A play that changed again is found by its last change, which may bear a time a little earlier than the one before.
    """
    for shard in shards_of(version_of(launched).text):
        conditions = (Where("shard", "==", shard), Where("state_at", ">", since - SKEW))
        for play in all_of(ports.documents, Play, *conditions):
            yield from (item for item in items_of(play) if since < item.counts_from <= until)


def _write(ports: Ports, made: Seal, items: Iterable[Item]) -> None:
    """Write a seal's objects, the head first; those that are there already are the same."""
    head = line(made.public()) + b"\n"
    _create(ports, _name(made, "heads", "json"), [head])
    _create(ports, _name(made, "seals", "jsonl"), [head, *(item.line + b"\n" for item in items)])


def _create(ports: Ports, name: str, lines: Iterable[bytes]) -> None:
    try:
        with ports.objects.create(AUDIT, name) as stream:
            for each in lines:
                stream.write(each)
    except PreconditionFailed:
        return


def _name(made: Seal, folder: str, ending: str) -> str:
    return f"{made.campaign}/{folder}/{made.number:06}.{ending}"


def _reveal_name(launched: Launched) -> str:
    return f"{version_of(launched).text}/reveal.json"


def _read(ports: Ports, ref: ObjectRef) -> bytes:
    with ports.objects.open(ref) as stream:
        return stream.read()


def _all(ports: Ports, model: type[R], of: CampaignVersion) -> Iterator[R]:
    return all_of(ports.documents, model, Where("campaign", "==", of.text))
