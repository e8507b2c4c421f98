"""Check the draws of a campaign, offline, with nothing but Python 3.11 and this file.

    python verify_draws.py EXPORT [--heads KEPT_HEADS] [--entries ORDERS.csv]

EXPORT is the folder that `tombola audit export` wrote; its README.md says how everything is computed. KEPT_HEADS are
the heads that you were sent while the campaign ran, one JSON file each: they alone show that the register was not
written anew. ORDERS.csv are a retailer's own orders (columns `retailer`, and `order_id` or `entry`): every token must
belong to one. Nothing here is shared with the program that drew.
Exit code 0: everything that can be checked holds; 1: something does not, and is named; 2: the export cannot be read;
3: nothing is wrong, but the keys are not revealed, so no draw could be checked.
"""

import argparse
import csv
import hashlib
import hmac
import json
import math
import sys
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

CLOCKS, APART, RARE = timedelta(seconds=2), timedelta(seconds=4), 0.001
"""How far clocks may differ, and times cut off to the second with one to look at claims; which p-values to look at."""
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
TOTALS = ("issued", "played", "expired", "revoked", "open")
FOLLOWS = {"": {"open"}, "open": {"played", "expired", "revoked"}, "revoked": {"open"}}
WORTH = {"basket_value": "cap", "fixed": "amount", "coupon": "face_value", "physical": "value"}
Row = Mapping[str, Any]
Say = Callable[[object, str], None]  # takes what is wrong, if anything, and the words that name it


def digest(*parts: object, key: str = "") -> bytes:
    """Return SHA-256, or with a key in hex HMAC-SHA256, over the parts: before each its length, 8 bytes big-endian."""
    encoded = [str(part).encode() if not isinstance(part, bytes) else part for part in parts]
    framed = b"".join(len(part).to_bytes(8, "big") + part for part in encoded)
    return hmac.digest(bytes.fromhex(key), framed, "sha256") if key else hashlib.sha256(framed).digest()


def merkle(lines: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash of RFC 6962, section 2.1, word for word."""
    if len(lines) <= 1:
        return hashlib.sha256(b"\x00" + lines[0] if lines else b"").digest()
    half = 1 << (len(lines) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + merkle(lines[:half]) + merkle(lines[half:])).digest()


def when(text: str) -> datetime:
    """Return an instant, or the beginning of a day, UTC."""
    return datetime.fromisoformat(text if "T" in text else f"{text}T00:00Z").astimezone(UTC)


class Export:
    """The files of an export, as they are, and what follows from them."""

    def __init__(self, folder: Path) -> None:
        """Read the folder."""
        self.folder, self.published = folder, json.loads((folder / "campaign.json").read_bytes())
        self.of = (self.published["campaign"], self.published["version"])
        self.rules_bytes = (folder / "rules.json").read_bytes()
        self.rules = json.loads(self.rules_bytes)
        self.register, self.stocks, self.postings, self.balances = (
            [json.loads(line) for line in (folder / f"{name}.jsonl").read_bytes().splitlines()]
            for name in ("register", "stocks", "postings", "balances")
        )
        seals = [path.read_bytes().splitlines() for path in sorted((folder / "seals").glob("*.jsonl"))]
        self.seals = [(json.loads(lines[0]), lines[1:]) for lines in seals]
        self.keys: Any = json.loads(file.read_bytes()) if (file := folder / "reveal.json").exists() else None
        self.played = [one for one in self.register if one["draw"]]
        self.given = {one["token"]: sum(one["granted"]["reserved"].values()) for one in self.played}
        self.by_odds = self.rules["draw"]["kind"] == "odds"

    def minor(self, amount: str) -> int:
        """Return an amount of the rules in the smallest unit of the currency."""
        return int(Decimal(amount).scaleb(self.published["decimals"]))

    def derived(self, label: str, *parts: object) -> int:
        """Return the first 16 bytes, as a number, of what follows from the seed, the rules and the witness."""
        fixed = (label, self.published["rules_hash"], self.published["witness"])
        return int.from_bytes(digest(*fixed, *parts, key=self.keys["seed"])[:16], "big")

    def thresholds(self) -> list[int]:
        """Return below which number each prize is won by odds."""
        chances = [Fraction(prize["chance"] or 0) for prize in self.rules["prizes"]]
        return [int(sum(chances[: index + 1]) * 2**64) for index in range(len(chances))]

    def moments(self) -> list[tuple[datetime, str]]:
        """Return every winning moment with the prize that it wins, in order."""
        stated = self.rules["window"]
        local = [datetime.fromisoformat(stated[name]) for name in ("opens", "closes")]
        opens, closes = (each.replace(tzinfo=ZoneInfo(stated["time_zone"])).astimezone(UTC) for each in local)
        unit, names = timedelta(microseconds=1), [p["name"] for p in self.rules["prizes"] for _ in range(p["moments"])]
        drawn = [self.derived("tombola.moment.v1", *self.of, index) for index in range(len(names))]
        offsets = sorted((u * ((closes - opens) // unit) >> 128, index) for index, u in enumerate(drawn))
        return [(opens + offset * unit, names[index]) for offset, index in offsets]


def short(one: Row | str) -> str:
    """Return how a token is named in a finding."""
    return f"token {(one if isinstance(one, str) else one['token'])[:16]}"


def played_at(one: Row) -> datetime:
    """Return when a token was played; of one that says it never was, since when it is what it is."""
    return when(one["at"][one["states"].index("played") if "played" in one["states"] else -1])


def check_published(export: Export, say: Say) -> None:
    """Rules and keys are those whose digests were published before the launch, and the keys came in time."""
    published, made, late = export.published, export.published["commitment"], export.published["revealed_at"]
    say(digest("tombola.rules.v1", export.rules_bytes).hex() != published["rules_hash"], "rules: not those published")
    say([*map(int, published["thresholds"])] != export.thresholds() * export.by_odds, "rules: other thresholds")
    for kind, label in (("id_key", "id-key"), ("seed", "seed")) if export.keys else ():
        found = digest(f"tombola.commitment.{label}.v1", bytes.fromhex(export.keys[kind])).hex()
        say(found != made[kind], f"keys: the revealed {kind} does not have the digest that was published")
    say(late and when(late) > when(published["reveal_by"]), f"keys: revealed at {late}, later than promised")


def check_heads(export: Export, kept: Sequence[Row], say: Say) -> None:
    """Every head follows from its items and the head before, and is the one that others were sent."""
    published, totals, states = export.published, Counter[str](), dict[str, str]()
    keys = (published["commitment"]["id_key"], published["commitment"]["seed"])
    previous = digest("tombola.genesis.v1", *export.of, published["rules_hash"], *keys, published["witness"]).hex()
    for number, (head, lines) in enumerate(export.seals, 1):
        for item in sorted(map(json.loads, lines), key=lambda item: item["index"]):
            totals.subtract([states.get(item["token"], "")])
            totals.update([item["state"], *(["issued"] if item["index"] == 0 else [])])
            states[item["token"]] = item["state"]
        counted, top = {name: totals[name] for name in TOTALS}, merkle(lines).hex()
        parts = (*export.of, number, previous, top, len(lines), head["cutoff"], *counted.values())
        wanted = {"number": number, "previous": previous, "root": top, "count": len(lines), "totals": counted}
        wanted["head"] = digest("tombola.head.v1", *parts).hex()
        for name, value in wanted.items():
            say(head[name] != value, f"head {number}: its {name} does not follow from its items and the head before")
        previous = head["head"]
    ours = {head["number"]: head["head"] for head, _ in export.seals}
    for head in kept:
        what = "is not the one that was sent out" if head["number"] in ours else "was sent out, and is not here"
        say(ours.get(head["number"]) != head["head"], f"head {head['number']}: it {what}")


def items_of(one: Row) -> Iterator[Row]:
    """Yield what must be sealed of a line of the register: one item for each state."""
    issued = digest("tombola.issued.v1", CANONICAL({name: one[name] for name in ("retailer", "tier", "kind")})).hex()
    drawn = digest("tombola.drawn.v1", CANONICAL({"draw": one["draw"], "granted": one["granted"]})).hex()
    for index, (state, at) in enumerate(zip(one["states"], one["at"], strict=True)):
        facts = {"facts": issued} if index == 0 else {"facts": drawn} if state == "played" else {}
        yield {"token": one["token"], "index": index, "state": state, "at": at, **facts}


def check_register(export: Export, say: Say) -> None:
    """Every change of every token is sealed once, in time, and the register says the same."""
    sealed, since = dict[tuple[str, int], Row](), "1970-01-02T00:00:00Z"
    for number, (head, lines) in enumerate(export.seals, 1):
        first, last = (when(since) - APART).isoformat(), head["cutoff"]
        for item in map(json.loads, lines):
            key, cut = (item["token"], item["index"]), len(item["at"])
            outside = not first[: min(cut, 19)] <= item["at"][:19] <= last[: min(cut, 19)]
            name = f"{short(item)}, state {key[1]}"
            say(key in sealed, f"repeated: {name} is sealed again in seal {number}")
            say(outside, f"altered: {name} bears a time that seal {number} does not cover")
            sealed[key] = item
        since = last
    compare(export, sealed, since, say)


def compare(export: Export, sealed: Mapping[tuple[str, int], Row], since: str, say: Say) -> None:
    """Compare the register with what was sealed; what came after the last seal is none's before the reveal."""
    owners = {item["facts"]: token for (token, _), item in sealed.items() if item["state"] == "played"}
    expected = {(item["token"], item["index"]): item for one in export.register for item in items_of(one)}
    for token, index in sorted(sealed.keys() - expected.keys()):
        say(token, f"dropped: {short(token)}, state {index} was sealed, and is not in the register")
    for key, item in expected.items():
        true, name = sealed.get(key), f"{short(key[0])}, state {key[1]}"
        late = true is None and not export.keys and item["at"] >= since[: len(item["at"])]
        other = owners.get(item.get("facts")) if true and true.get("facts") != item.get("facts") else None
        say(true is None and not late, f"added: {name} is in the register, and in no seal")
        say(true and true != item and not other, f"altered: {name} is not what was sealed")
        say(other, f"swapped: {short(key[0])} has the draw that was sealed for {short(other or '')}")
    times = Counter(one["token"] for one in export.register)
    for one in export.register:
        steps = zip(["", *one["states"]], one["states"], strict=False)
        impossible = any(after not in FOLLOWS.get(before, ()) for before, after in steps)
        say(times[one["token"]] > 1, f"repeated: {short(one)} is in the register {times[one['token']]} times")
        say(("played" in one["states"]) != bool(one["draw"]), f"altered: {short(one)} was played without a draw")
        say(impossible, f"repeated: {short(one)} was {', then '.join(one['states'])}, which cannot be")


def check_odds(export: Export, say: Say) -> None:
    """Every number follows from the seed, and every play won what its number says."""
    limits, names = export.thresholds(), [*(prize["name"] for prize in export.rules["prizes"]), ""]
    for one in export.played:
        draw, number = one["draw"], export.derived("tombola.odds.v1", one["token"]) >> 64
        won, said = names[bisect_right(limits, number)], draw["prize"]
        say(draw.get("number") != f"{number:016x}", f"altered: the number of {short(one)} is not that of the seed")
        say(won and not said, f"loser: {short(one)} should have won {won}")
        say(said not in {"", won}, f"altered: {short(one)} won {said}; its number says {won or 'nothing'}")
    say(len(export.played) > export.rules["draw"]["maximum_plays"], "added: more plays than the rules allow")


def check_moments(export: Export, say: Say) -> None:
    """Every moment was won by the first play after it, and no loser was owed one."""
    due, claims = export.moments(), dict[int, datetime]()
    for one in (one for one in export.played if one["draw"].get("moment") is not None):
        draw, number, at = one["draw"], one["draw"]["moment"], played_at(one)
        fits = number < len(due) and (draw["prize"], draw.get("claims_seen")) == (due[number][1], number)
        say(number in claims, f"repeated: moment {number} was won again by {short(one)}")
        say(not fits, f"altered: {short(one)} won {draw['prize']}, which is not what moment {number} brings")
        say(fits and due[number][0].replace(microsecond=0) > at, f"altered: {short(one)} won before moment {number}")
        claims[number] = at
    for number in range(max(claims, default=-1)):
        early = number in claims and claims.get(number + 1, claims[number]) < claims[number] - APART
        say(number not in claims, f"dropped: moment {number} was won by nobody, though a later one was")
        say(early, f"altered: moment {number + 1} was won before moment {number}")
    for one in (one for one in export.played if one["draw"].get("moment") is None):
        seen, at = one["draw"].get("claims_seen", 0), played_at(one)
        owed = seen < len(due) and due[seen][0] <= at
        late = 0 < seen <= len(due) and due[seen - 1][0] <= at and claims.get(seen - 1, at) > at + APART
        say(owed or late, f"loser: {short(one)} should have won moment {seen if owed else seen - 1}")
        strange = one["draw"]["prize"] or (seen and seen - 1 not in claims)
        say(strange, f"altered: {short(one)} lost after {seen} moments were won, which they were not")


def check_grants(export: Export, say: Say) -> None:
    """What was won was granted as the rules say, and what was refused as empty was empty."""
    prizes, left, after = {prize["name"]: prize for prize in export.rules["prizes"]}, Counter[str](), {}
    for posting in sorted(export.postings, key=lambda posting: posting["sequence"]):
        left[posting["balance"]] += posting["legs"].get("available", 0)
        after[posting["balance"], posting["sequence"]] = left[posting["balance"]]
    reserved = {(p["cause"], p["balance"]): p["legs"] for p in export.postings if p["kind"] == "reserve"}
    for one in export.played:
        draw, granted, prize = one["draw"], one["granted"], prizes.get(one["draw"]["prize"])
        seen, due = draw.get("sequences", {}), draw.get("due_minor") or 0
        money = prize is not None and prize["kind"] in {"basket_value", "fixed"}
        there = sum(after.get(place, -1) for place in seen.items())
        refused = prize is not None and granted["name"] != prize["name"]
        legs = {name: {"available": -part, "reserved": part} for name, part in granted["reserved"].items()}
        differs = legs != {name: reserved.get((one["token"], name)) for name in legs}
        short_of = seen.keys() == left.keys() - {"fallback"} and draw.get("available_minor", 0) < due
        empty = short_of if money else prize is not None and prize["stock"] and draw.get("stock_left") == 0
        say(not as_promised(export, one, prize), f"granted: {short(one)}: the rules do not grant {granted} here")
        say(differs, f"granted: {short(one)} was granted {granted['reserved']}; the postings say otherwise")
        say(seen and there != draw.get("available_minor"), f"empty: {short(one)} saw other money left than {there}")
        say(refused and not empty, f"empty: {short(one)} was refused {draw['prize']}, of which there was enough")


def as_promised(export: Export, one: Row, prize: Row | None) -> bool:
    """Tell whether what was granted is what the rules give: the prize, or what takes its place once it is empty."""
    granted, due, money = one["granted"], one["draw"].get("due_minor") or 0, export.given[one["token"]]
    found = (granted["name"], granted["kind"] if granted["name"] else "", money, granted["worth_minor"])
    fallback = export.rules["when_empty"] and export.rules["when_empty"]["fallback"]
    nothing = found == ("", "", 0, 0)
    if prize is None:
        return nothing
    most, kind = export.minor(prize[WORTH[prize["kind"]]]), prize["kind"]
    if one["kind"] == "free" and kind == "basket_value":
        most = min(most, export.minor(export.rules["free_entry"]["amount"]))
    if (due != most) if kind == "fixed" else not 0 <= due <= most * (kind == "basket_value"):
        return False
    if granted["name"] != prize["name"]:
        if not fallback:
            return nothing
        worth, kind = export.minor(fallback["worth"]), "money" if fallback["kind"] == "fixed" else "coupon"
        return found == ("fallback", kind, worth if kind == "money" else 0, worth if kind == "coupon" else 0)
    return found == (prize["name"], *((kind, 0, most) if kind in {"coupon", "physical"} else ("money", due, 0)))


def check_money(export: Export, say: Say) -> None:
    """Every cent is where postings, balances and register say alike, and none was moved for a token nobody has."""
    by_token, by_balance = defaultdict[str, Counter[str]](Counter), defaultdict[str, Counter[str]](Counter)
    tokens, numbers, funded = {one["token"] for one in export.register}, defaultdict[str, list[int]](list), 0
    for posting in export.postings:
        token, balance, legs = posting["cause"].split("/")[0], posting["balance"], posting["legs"]
        numbers[balance].append(posting["sequence"])
        by_balance[balance].update(legs)
        by_token[token].update(legs)
        funded += legs["available"] if posting["kind"] == "fund" and balance != "fallback" else 0
        strange = token not in tokens and legs.keys() - {"funded", "available", "expired"}
        say(sum(legs.values()), f"paid: posting {posting['sequence']} of balance {balance} does not sum to zero")
        say(strange, f"paid: {posting['kind']} for {posting['cause'][:16]}, which is no token of the register")
    say(funded != export.minor(export.rules["pool"]["amount"]), f"paid: {funded} were funded, no more")
    for balance in export.balances:
        name, whole = balance["balance"], list(range(1, balance["sequence"] + 1))
        counted = {account: amount for account, amount in by_balance[name].items() if amount}
        say(balance["accounts"] != counted or sorted(numbers[name]) != whole, f"paid: balance {name} is wrong")
    for one in export.register:
        moved, granted, state = by_token[one["token"]], export.given.get(one["token"], 0), one["prize_state"]
        moved["available"] += granted + moved.pop("expired", 0)  # what comes back after the end expires at once
        counted = {account: amount for account, amount in moved.items() if amount}
        nothing = not granted and not (one["granted"] or {}).get("worth_minor")
        say(one["money"] != counted, f"paid: {short(one)}: the register says {one['money']}, the postings {counted}")
        say(sum(one["money"].values()) != granted, f"paid: {short(one)}: {granted} was granted, {one['money']} paid")
        say((state == "none") != nothing, f"paid: the prize of {short(one)} is {state}, which does not fit")


def check_stocks(export: Export, say: Say) -> None:
    """No prize was given more often than there are, and none was called empty before all were given."""
    left = {stock["prize"]: stock["left"] for stock in export.stocks}
    for name, stock in ((prize["name"], prize["stock"]) for prize in export.rules["prizes"] if prize["stock"]):
        given = [one for one in export.played if one["granted"]["name"] == name]
        refused = any(one["draw"]["prize"] == name != one["granted"]["name"] for one in export.played)
        many, there = len(given), left.get(name, -1)
        twice = {one["draw"].get("stock_left") for one in given} != set(range(there, stock))
        say(not 0 <= there == stock - many, f"granted: {many} of {stock} {name} were given, {there} are left")
        say(twice, f"repeated: two plays took the same piece of {name}")
        say(refused and many < stock, f"empty: {name} was refused, of which only {many} of {stock} were given")


def check_entries(export: Export, rows: Sequence[Row], say: Say) -> None:
    """Every token of these retailers belongs to one of their entries."""
    fixed, key = ("tombola.token.v1", export.published["rules_hash"], export.of[0]), export.keys["id_key"]
    named = [(row["retailer"], row.get("entry") or f"order/{row['order_id']}") for row in rows]
    tiers = range(1, len(export.rules["further_tiers"]) + 2)
    owners = {digest(*fixed, *of, tier, key=key).hex(): (of[0], tier) for of in named for tier in tiers}
    theirs = {row["retailer"] for row in rows}
    for one in export.register:
        owner, said = owners.get(one["token"]), (one["retailer"], one["tier"])
        stranger = owner is None and one["retailer"] in theirs and one["kind"] == "order"
        say(stranger, f"added: {short(one)} belongs to no order of {one['retailer']}")
        say(owner not in {None, said}, f"altered: {short(one)} is of {owner}, and listed as of {said}")


def p_value(wins: int, plays: int, chance: float) -> float:
    """Return how often chance alone strays at least as far: the exact two-sided binomial test."""
    if not plays or not 0 < chance < 1:
        return 1.0
    ways = (math.lgamma(plays + 1) - math.lgamma(k + 1) - math.lgamma(plays - k + 1) for k in range(plays + 1))
    logs = [way + k * math.log(chance) + (plays - k) * math.log1p(-chance) for k, way in enumerate(ways)]
    return min(math.fsum(math.exp(each) for each in logs if each <= logs[wins] + 1e-7), 1.0)


def figures(export: Export) -> Iterator[str]:
    """Yield win rates beside what was promised, how long moments waited, and how signatures are checked."""
    stated = {name: export.published[name] for name in ("rules_hash", "commitment", "witness")}
    yield f"compare with what you were given before the launch: {stated}"
    wins = [one for one in export.played if one["draw"]["prize"]]
    chance = export.thresholds()[-1] / 2**64 if export.by_odds else len(wins) / max(len(export.played), 1)
    yield f"win rate, {'promised' if export.by_odds else 'on average (moments promise none)'}: {chance:.4%}"
    kinds = {"of": lambda _: "all", "retailer": lambda one: one["retailer"], "day": lambda one: played_at(one).date()}
    for what, of in kinds.items():
        plays, won = (Counter(map(of, some)) for some in (export.played, wins))
        for name in sorted(plays):
            p = p_value(won[name], plays[name], chance)
            look = "  <- look at this" if p < RARE / len(plays) else ""
            yield f"  {what} {name}: {won[name]} of {plays[name]}, {won[name] / plays[name]:.2%}, p = {p:.4f}{look}"
    if not export.by_odds and export.keys:
        due = export.moments()
        waits = sorted(played_at(one) - due[one["draw"]["moment"]][0].replace(microsecond=0) for one in wins)
        parts = (f"{n}%: {waits[(len(waits) - 1) * n // 100]}" for n in (0, 50, 95, 100) if waits)
        yield f"  {len(waits)} of {len(due)} moments were won; from moment to claim {', '.join(parts)}"
    for head, _ in export.seals[-1:]:
        yield f"to check the signature of head {head['number']}, which covers all before it, with openssl 3:"
        yield f"  printf %s {head['head']} > head.txt; printf %s {head['signature']} | openssl base64 -d -A > head.sig"
        pem = f"{export.folder}/keys/{head['key']}.pem"
        yield f"  openssl pkeyutl -verify -pubin -inkey {pem} -rawin -in head.txt -sigfile head.sig"


def main() -> int:
    """Read, check, say, and return the exit code."""
    parser = argparse.ArgumentParser(description="Check the draws of a campaign, offline.")
    parser.add_argument("export", type=Path, help="folder that `tombola audit export` wrote")
    parser.add_argument("--heads", type=Path, help="folder of the heads you were sent, one JSON file each")
    parser.add_argument("--entries", type=Path, help="CSV of a retailer's own orders: retailer, order_id")
    given, found = parser.parse_args(), dict[str, None]()
    say = lambda wrong, words: found.update({words: None} if wrong else {})  # noqa: E731 (each finding once)
    try:
        export = Export(given.export)
        sent = [json.loads(path.read_bytes()) for path in sorted(given.heads.glob("*.json"))] if given.heads else []
        kept = [head for head in sent if (head["campaign"], head["version"]) == export.of]
        rows = list(csv.DictReader(given.entries.read_text("utf-8-sig").splitlines())) if given.entries else []
        check_heads(export, kept, say)
        if export.keys:
            (check_odds if export.by_odds else check_moments)(export, say)
            check_entries(export, rows, say)
        for check in (check_published, check_register, check_grants, check_money, check_stocks):
            check(export, say)
        said = [*figures(export), *found]
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        print(*found, f"cannot be read: {type(error).__name__}: {error}", sep="\n")
        return 1 if found else 2
    print(f"{export.of[0]} version {export.of[1]}: {len(export.register)} tokens, {len(export.played)} plays")
    print(f"{len(export.seals)} heads, {len(kept)} kept by others; clocks may differ by {CLOCKS.seconds} s")
    print(*said, sep="\n")
    print("" if kept else "no heads kept by others: a register written wholly anew could not be told from the true one")
    if not export.keys:
        print(f"the keys are not revealed (due by {export.published['reveal_by']}): no draw could be checked")
    print(f"{len(found)} FOUND that do not fit" if found else "everything that could be checked fits")
    return 1 if found else 0 if export.keys else 3


if __name__ == "__main__":
    sys.exit(main())
