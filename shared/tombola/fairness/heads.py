"""Heads: one signed digest over every item up to an instant, chained to the one before.

head = SHA-256(`tombola.head.v1`, campaign, version, number, previous head, root, count, cutoff, issued, played,
expired, revoked, open), every part preceded by its length (`tombola.digests`); digests are written in hex, the cutoff
as `2017-06-15T13:00:00Z`. The first one's previous head is SHA-256(`tombola.genesis.v1`, campaign, version, digest of
the rules, digests of both keys, witness). Ed25519 (RFC 8032) signs the 64 characters of the head.
"""

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tombola.campaigns.model import Launched
from tombola.digests import digest
from tombola.fairness.canonical import second
from tombola.fairness.items import Item
from tombola.fairness.merkle import root
from tombola.games.records import Record, version_of
from tombola.signing_keys import SigningKey

SIGNING_KEY = "head-signing"
"""Name in the key store: 32-byte Ed25519 seeds. The latest version signs new heads, all verify."""
HEAD_LABEL, GENESIS_LABEL = "tombola.head.v1", "tombola.genesis.v1"
TOTALS = ("issued", "played", "expired", "revoked", "open")
"""How many tokens there are, and in which state: the first is the sum of the others."""


class HeadSigner(SigningKey):
    """One version of the key that signs heads."""

    __slots__ = ()
    NAME = SIGNING_KEY

    def sign(self, head: str) -> str:
        """Return the signature of a head, in base64."""
        return base64.b64encode(self.private_key.sign(head.encode())).decode()

    def pem(self) -> bytes:
        """Return the public key as PEM, which openssl reads."""
        return self.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class Seal(Record):
    """One seal of a campaign version: the head over every item in (cutoff of the seal before, `cutoff`].

    `totals` are those of the whole version at the cutoff, by the names of `TOTALS`.
    """

    COLLECTION: ClassVar[str] = "seals"

    number: int
    previous: str
    root: str
    count: int
    cutoff: datetime
    totals: dict[str, int]
    head: str
    signing_version: int
    signature: str

    @property
    def parts(self) -> tuple[str, ...]:
        """Campaign, version and the seal's number, from 1."""
        return (*self.of.parts, str(self.number))

    def public(self) -> dict[str, object]:
        """Return what everybody is told."""
        campaign, version = self.of
        return {
            "campaign": campaign, "version": version, "number": self.number, "previous": self.previous,
            "root": self.root, "count": self.count, "cutoff": second(self.cutoff), "totals": self.totals,
            "head": self.head, "key": f"{SIGNING_KEY}-v{self.signing_version}", "signature": self.signature,
        }  # fmt: skip


def sealed(
    launched: Launched, last: Seal | None, items: Sequence[Item], cutoff: datetime, signer: HeadSigner
) -> Seal:  # fmt: skip
    """Return the seal over these items, in the order of `in_order`, that follows the last one."""
    of, number = version_of(launched), 1 if last is None else last.number + 1
    previous = genesis(launched) if last is None else last.head
    top, count = root(item.line for item in items).hex(), len(items)
    totals = _totals({} if last is None else last.totals, items)
    sums = [totals[name] for name in TOTALS]
    head = digest(HEAD_LABEL, *of, number, previous, top, count, second(cutoff), *sums).hex()
    return Seal(
        campaign=of.text, number=number, previous=previous, root=top, count=count, cutoff=cutoff, totals=totals,
        head=head, signing_version=signer.version, signature=signer.sign(head),
    )  # fmt: skip


def genesis(launched: Launched) -> str:
    """Return what the first head follows: rules, commitment and witness, so the chain belongs to this launch alone."""
    published = launched.commitment
    parts = (*version_of(launched), launched.rules_hash, published["id_key"], published["seed"], launched.witness)
    return digest(GENESIS_LABEL, *parts).hex()


def in_order(items: Iterable[Item]) -> list[Item]:
    """Return items as they stand in a tree: by token, then by their place in its life."""
    return sorted(items, key=lambda item: (item.token_id, item.index))


def _totals(before: Mapping[str, int], items: Iterable[Item]) -> dict[str, int]:
    totals = Counter(before)
    for item in items:
        totals[item.state] += 1
        totals[item.before or "issued"] += -1 if item.before else 1
    return {name: totals[name] for name in TOTALS}
