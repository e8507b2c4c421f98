"""Do all the figures add up, from the lines of the files to the last posting.

Every check compares two figures that were come by in different ways: the files read again, line by
line, against the receipts; the warehouse against the files; the books against themselves.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict

from tombola.campaigns.model import Launched
from tombola.money import minor_units
from tombola.ports import Ports
from tombola.ports.objects import ObjectInfo
from tombola.retailers.model import Retailer
from tombola.settling.reconciling import Reconciliation
from tombola.settling.usecases import reconcile


class FileFigures(BaseModel):
    """What became of one file's lines."""

    model_config = ConfigDict(frozen=True)

    name: str
    rows: int
    accepted: int
    rejected: int
    duplicates: int
    warnings: dict[str, int]
    verdict: str


class Totals(BaseModel):
    """Every total of a run. Amounts are minor units of the campaign's currency."""

    model_config = ConfigDict(frozen=True)

    files: tuple[FileFigures, ...]
    orders: int
    shoppers: int
    proposals: int
    withheld: int
    tokens: int
    plays: int
    wins: int
    prize_pool_minor: int
    won_minor: int
    released_minor: int
    payable_minor: int
    left_minor: int
    ledger_balance_minor: int
    currency: str
    report: str


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the reconciliation: `found` must equal `expected`, or (`at_most`) not be above it.

    Checks of one `group` say the same of many things.
    """

    name: str
    found: int
    expected: int
    at_most: bool = False
    group: str | None = None

    @property
    def holds(self) -> bool:
        """Whether it adds up."""
        return self.found <= self.expected if self.at_most else self.found == self.expected


@dataclass(frozen=True, slots=True)
class Sent:
    """What one file of the inbox holds, read without any of the code under check."""

    name: str
    lines: int
    orders: frozenset[str]
    value_minor: int


def totals(ports: Ports, launched: Launched, report: str) -> Totals:
    """Return every total, read from receipts, warehouse and documents as they are now."""
    books = reconcile(ports, launched.rules.campaign, launched.version)
    parameters = {"campaign": launched.rules.campaign, "version": launched.version}
    return Totals(
        files=tuple(sorted(_files(ports), key=lambda file: file.name)),
        orders=_count(ports, "SELECT count(DISTINCT body->>'$.order.order_id') FROM order_recorded"),
        shoppers=_count(ports, "SELECT count(*) FROM feed_shoppers"),
        proposals=_count(ports, PROPOSALS, parameters),
        withheld=_count(ports, f"{PROPOSALS} AND body->>'$.shown' = 'false'", parameters),
        tokens=books.tokens,
        plays=books.played,
        wins=books.wins,
        prize_pool_minor=launched.rules.pool_minor,
        won_minor=books.won_minor,
        released_minor=books.released_minor,
        payable_minor=books.accounts_balances["payable"],
        left_minor=books.accounts_balances["available"] + books.accounts_balances["expired"],
        ledger_balance_minor=books.difference_minor,
        currency=books.currency,
        report=report,
    )


LINES = "accepted + rejected + duplicates = lines in"
PROPOSALS = (
    "SELECT count(*) FROM proposal_made"
    " WHERE body->>'$.campaign' = $campaign AND (body->>'$.campaign_version')::INTEGER = $version"
)


def checks(ports: Ports, retailer: Retailer, launched: Launched, found: Totals) -> list[Check]:
    """Return every line of the reconciliation, whether it holds or not."""
    sent = {file.name: file for file in _sent(ports, retailer)}
    orders = [file for file in sent.values() if "/orders/" in file.name]
    books = reconcile(ports, launched.rules.campaign, launched.version)
    return [
        *_file_checks(found.files, sent),
        Check("orders in the warehouse = orders in the files", *_orders(ports, orders)),
        Check("value in the warehouse = value in the files", *_values(ports, orders)),
        Check(
            "orders recorded = orders in the files", found.orders, len(frozenset().union(*(f.orders for f in orders)))
        ),
        *_book_checks(books),
    ]


def _file_checks(files: Sequence[FileFigures], sent: dict[str, Sent]) -> Iterator[Check]:
    yield Check("receipts = files sent", len(files), len(sent))
    for file in files:
        rows = file.accepted + file.rejected + file.duplicates
        yield Check(f"{file.name}: {LINES}", rows, sent[file.name].lines, group=f"{LINES}, in each of the files")


def _book_checks(books: Reconciliation) -> Iterator[Check]:
    yield Check("tokens = entries that qualified", books.tokens, books.entries)
    yield Check("wins = moments claimed", books.wins, books.claims)
    yield Check("wins <= winning moments", books.wins, books.moments, at_most=True)
    for account, amount in books.accounts_balances.items():
        for other, theirs in (
            ("sum of postings", books.accounts_postings),
            ("recomputed from plays", books.accounts_plays),
        ):
            text = f"balance = {other}"
            yield Check(f"{account}: {text}", amount, theirs[account], group=f"{text}, in each of the accounts")
    yield Check("faults found in the books", len(books.problems), 0)


def _files(ports: Ports) -> Iterator[FileFigures]:
    for info in ports.objects.list("receipts"):
        if info.ref.name.endswith("/receipt.json"):
            receipt = json.loads(_read(ports, info))
            warnings = {one["code"]: one["count"] for one in receipt["warnings"]}
            yield FileFigures.model_validate({**receipt, "name": receipt["object"], "warnings": warnings})


def _sent(ports: Ports, retailer: Retailer) -> Iterator[Sent]:
    """Read every file again with nothing but the csv module."""
    for info in ports.objects.list("inbox", f"{retailer.retailer}/"):
        kind = info.ref.name.split("/")[1]
        rows = list(csv.DictReader(io.StringIO(_read(ports, info).decode()), delimiter="|"))
        is_orders = kind == "orders"
        yield Sent(
            name=info.ref.name,
            lines=len(rows),
            orders=frozenset(row["TICKET"] for row in rows) if is_orders else frozenset(),
            value_minor=sum(minor_units(Decimal(row["NET"]), retailer.currency) for row in rows) if is_orders else 0,
        )


def _orders(ports: Ports, sent: Sequence[Sent]) -> tuple[int, int]:
    query = "SELECT count(DISTINCT order_id) FROM feed_orders"
    return _count(ports, query), len(frozenset().union(*(file.orders for file in sent)))


def _values(ports: Ports, sent: Sequence[Sent]) -> tuple[int, int]:
    query = "SELECT coalesce(sum(value_minor), 0)::BIGINT FROM feed_orders"
    return _count(ports, query), sum(file.value_minor for file in sent)


def _count(ports: Ports, query: str, parameters: dict[str, Any] | None = None) -> int:
    return int(ports.warehouse.query(query, parameters).column(0)[0].as_py())


def _read(ports: Ports, info: ObjectInfo) -> bytes:
    with ports.objects.open(info.ref) as stream:
        return stream.read()
