"""What an auditor is given, file by file. The same documents always give the same bytes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

from tombola.campaigns.lifecycle import Version
from tombola.campaigns.model import Campaign
from tombola.draws.odds import thresholds
from tombola.fairness.canonical import line
from tombola.fairness.register import balance_line, entry, posting_line, stock_line, table
from tombola.games.ledger import Balance, Posting
from tombola.games.plays import Play
from tombola.games.stocks import Stock
from tombola.money import exponent


@dataclass(frozen=True, slots=True)
class Audited:
    """Every document of one campaign version that an auditor is told of. `plays` are read once, one at a time.

    `seals` are the objects that were written, by file name; `head_keys` the public keys that signed them, as PEM, by
    name; `reveal` is what was made public of the keys, None before.
    """

    version: Version
    plays: Iterable[Play]
    postings: Sequence[Posting]
    balances: Sequence[Balance]
    stocks: Sequence[Stock]
    seals: Mapping[str, bytes]
    head_keys: Mapping[str, bytes]
    reveal: bytes | None


def export_files(audited: Audited) -> Iterator[tuple[str, bytes]]:
    """Yield the files of an export by name."""
    version, rules = audited.version, Campaign.model_validate_json(audited.version.rules)
    entries = sorted((entry(play) for play in audited.plays), key=lambda one: str(one["token"]))
    yield "README.md", files("tombola.fairness").joinpath("guide.md").read_bytes()
    yield "campaign.json", line(_campaign(version, rules)) + b"\n"
    yield "rules.json", version.rules
    yield "register.jsonl", _lines(entries)
    yield "register.csv", table(entries)
    yield "postings.jsonl", _lines(map(posting_line, sorted(audited.postings, key=lambda p: (p.balance, p.sequence))))
    yield "balances.jsonl", _lines(map(balance_line, sorted(audited.balances, key=lambda balance: balance.balance)))
    yield "stocks.jsonl", _lines(map(stock_line, sorted(audited.stocks, key=lambda stock: stock.prize)))
    yield from ((f"keys/{name}.pem", pem) for name, pem in sorted(audited.head_keys.items()))
    yield from ((f"seals/{name}", text) for name, text in sorted(audited.seals.items()))
    if audited.reveal is not None:
        yield "reveal.json", audited.reveal


def _campaign(version: Version, rules: Campaign) -> dict[str, object]:
    """Return what was published of a version. Limits by odds are beyond what every reader of JSON counts: text."""
    currency = rules.pool.currency
    return {
        "campaign": version.campaign, "version": version.version, "status": version.status,
        "rules_hash": version.rules_hash, "commitment": version.commitment, "witness": version.witness,
        "currency": currency, "decimals": exponent(currency),
        "thresholds": [str(limit) for limit in thresholds(rules.prizes)] if rules.draw.kind == "odds" else [],
        "committed_at": _text(version.committed_at), "launched_at": _text(version.launched_at),
        "ended_at": _text(version.ended_at), "reveal_by": _text(version.reveal_by),
        "revealed_at": _text(version.revealed_at),
    }  # fmt: skip


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _lines(facts: Iterable[Mapping[str, object]]) -> bytes:
    return b"".join(line(each) + b"\n" for each in facts)
