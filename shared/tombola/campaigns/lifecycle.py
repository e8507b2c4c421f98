"""A campaign's life: committed, launched, ended. Decisions as data; `usecases` writes them down.

Every version of the rules has its own keys, its own commitment and its own witness. One document per
version holds them; one head document per campaign says which version is the latest and which is live, and
every step rewrites it, so two steps at once cannot both be taken.
"""

import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Literal

from tombola.campaigns.model import Campaign, Launched, Window
from tombola.digests import digest, keyed
from tombola.errors import Conflict, Malformed, Problem, Unknown

KeyKind = Literal["id", "seed"]
KEY_BYTES = 32
MAX_WITNESS = 200


@dataclass(frozen=True, slots=True)
class Head:
    """What holds for all versions of a campaign. `latest` and `live` are versions; 0 is none."""

    campaign: str
    latest: int = 0
    live: int = 0
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a campaign's rules, as stored. `rules` is canonical JSON."""

    campaign: str
    version: int
    status: Literal["committed", "launched", "ended", "revealed"]
    rules: bytes
    rules_hash: str
    commitment: dict[str, str]
    reveal_by: datetime
    committed_at: datetime
    witness: str | None = None
    launched_at: datetime | None = None
    ended_at: datetime | None = None
    revealed_at: datetime | None = None
    revision: int = 1

    def launched(self) -> Launched:
        """Return the launched version with its rules read again. Raises `Unknown` while it is only committed."""
        if self.status == "committed":
            msg = f"version {self.version} of campaign {self.campaign!r} is not launched"
            raise Unknown(msg, code="unknown-campaign")
        return Launched.model_validate(
            {
                "rules": Campaign.model_validate_json(self.rules),
                "version": self.version,
                "rules_hash": self.rules_hash,
                "witness": self.witness,
                "commitment": self.commitment,
                "launched_at": self.launched_at,
                "status": self.status,
                "ended_at": self.ended_at,
                "revealed_at": self.revealed_at,
            }
        )


def canonical(rules: Campaign) -> bytes:
    """Return the rules as canonical JSON: sorted keys, no spaces, amounts without trailing zeros, instants in UTC.

    Files that say the same give the same bytes.
    """
    return json.dumps(
        rules.model_dump(), sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    ).encode()


def _plain(value: object) -> str:
    match value:
        case Decimal():
            return f"{value.normalize():f}"
        case datetime(tzinfo=zone) if zone is not None:
            return value.astimezone(UTC).isoformat()
        case date() | time():
            return value.isoformat()
    msg = f"a {type(value).__name__} in the rules; expected text, numbers, decimals and times"
    raise TypeError(msg)


def rules_hash(rules: bytes) -> str:
    """Return the digest that freezes canonical rules, in hex."""
    return digest("tombola.rules.v1", rules).hex()


def key_name(campaign: str, version: int, kind: KeyKind) -> str:
    """Return the name of a version's key in the key store; `Launched.id_key` and `.seed_key` read it."""
    return f"campaign-{campaign}-v{version}-{kind}"


def key_material(randomness: bytes, campaign: str, version: int, kind: KeyKind) -> bytes:
    """Return a key made of 32 fresh random bytes: no two versions share one, even if the bytes come twice."""
    if len(randomness) != KEY_BYTES:
        msg = f"{len(randomness)} bytes of randomness; expected {KEY_BYTES}"
        raise ValueError(msg)
    return keyed(randomness, f"tombola.campaign-{kind}-key.v1", campaign, version)


def commitment(id_key: bytes, seed: bytes) -> dict[str, str]:
    """Return what is published before anyone can order: a digest of each key, in hex."""
    return {
        "id_key": digest("tombola.commitment.id-key.v1", id_key).hex(),
        "seed": digest("tombola.commitment.seed.v1", seed).hex(),
    }


def commit(head: Head, rules: Campaign, published: dict[str, str], at: datetime) -> tuple[Head, Version]:
    """Return the campaign with one more version, committed."""
    text = canonical(rules)
    version = Version(
        campaign=head.campaign,
        version=head.latest + 1,
        status="committed",
        rules=text,
        rules_hash=rules_hash(text),
        commitment=published,
        reveal_by=rules.reveal_by.astimezone(UTC),
        committed_at=at,
    )
    return replace(head, latest=version.version, revision=head.revision + 1), version


def launch(head: Head, version: Version, witness: str, at: datetime) -> tuple[Head, Version] | None:
    """Return the version launched with the witness mixed in; None when it is already, by the same witness.

    Raises `Malformed` for a witness that is no text, `Conflict` when it was launched by another, when it is over
    or when another version is live.
    """
    _check_witness(witness)
    if version.status == "launched" and version.witness == witness:
        return None
    if version.status != "committed":
        msg = f"version {version.version} of {head.campaign} is {version.status}; a launched version stays as it is"
        raise Conflict(msg, [Problem("witness", repr(witness), repr(version.witness))], code="already-launched")
    if head.live:
        msg = f"version {head.live} of {head.campaign} is live; end it before version {version.version} is launched"
        raise Conflict(msg, code="another-version-is-live")
    launched = replace(version, status="launched", witness=witness, launched_at=at, revision=version.revision + 1)
    return replace(head, live=version.version, revision=head.revision + 1), launched


def phase(status: str, window: Window, now: datetime) -> str:
    """Return where a version stands as people say it: a launched one is `not open yet`, `open` or `over`."""
    if status != "launched":
        return status
    if now < window.opens_at:
        return "not open yet"
    return "open" if window.holds(now) else "over"


def moments_past_at_launch(launched: Launched) -> int:
    """Return about how many winning moments lay before the launch: nobody could win them, so the first plays will."""
    window = launched.rules.window
    share = (launched.launched_at - window.opens_at) / (window.closes_at - window.opens_at)
    return round(launched.rules.moments * min(max(share, 0), 1))


def _check_witness(witness: str) -> None:
    if not (1 <= len(witness) <= MAX_WITNESS and witness.isprintable() and witness == witness.strip()):
        msg = "the witness cannot be used"
        found = repr(witness[:80])
        raise Malformed(
            msg, [Problem("witness", found, f"1 to {MAX_WITNESS} printable characters, no spaces around them")]
        )


def end(head: Head, version: Version, at: datetime) -> tuple[Head, Version] | None:
    """Return the live version ended; None when it already is. Raises `Conflict` for one never launched."""
    if version.status in {"ended", "revealed"}:
        return None
    if version.status != "launched":
        msg = f"version {version.version} of {head.campaign} is {version.status}; expected a launched one"
        raise Conflict(msg, code="not-launched")
    ended = replace(version, status="ended", ended_at=at, revision=version.revision + 1)
    return replace(head, live=0, revision=head.revision + 1), ended


def reveal(version: Version, at: datetime) -> Version | None:
    """Return the ended version with its keys made public; None when they are. Raises `Conflict` for any other."""
    if version.status == "revealed":
        return None
    if version.status != "ended":
        msg = f"version {version.version} of {version.campaign} is {version.status}; expected an ended one"
        raise Conflict(msg, code="not-ended")
    return replace(version, status="revealed", revealed_at=at, revision=version.revision + 1)
