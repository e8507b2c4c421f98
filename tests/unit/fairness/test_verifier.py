"""The verifier finds nothing in a true export, and names what was done to a false one: whatever, wherever."""

from __future__ import annotations

import base64
import importlib.util
import json
import random
import subprocess
import sys
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st

from tombola.campaigns.model import Campaign, Launched
from tombola.draws.odds import number, thresholds
from tombola.fairness.merkle import root
from tombola.fairness.usecases import export_audit, reveal_campaign
from tombola.games.derivation import token_id, winning_moments
from tombola.games.records import CampaignVersion
from tombola.settling.usecases import settle_plays, write_off_prize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Season

VERIFIER = Path(__file__).parents[3] / "tools" / "verify_draws.py"
TIMES = 4
"""How many random places each way of tampering is tried at."""


def load() -> Any:  # noqa: ANN401 (a module)
    spec = importlib.util.spec_from_file_location("verify_draws", VERIFIER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


verifier = load()


def live(season: Season) -> Season:
    """Let 40 orders be made, two in three be played, some be cancelled, also after the end; reveal the keys."""
    tokens = [season.issue(f"o-{n}", cents=500 + 137 * n) for n in range(40)]
    for n, token in enumerate(tokens):
        season.later(hours=1)
        if n % 3:
            season.play(token)
        if n % 10 == 7:
            season.issue(f"o-{n}", cancelled=True)
        if n % 8 == 0:
            season.seal()
    season.over()
    for n in (4, 5, 10, 11):
        season.issue(f"o-{n}", cancelled=True)
    reveal_campaign(season.ports, "june-wheel")
    return season


def write(files: dict[str, bytes], to: Path) -> Path:
    for name, data in files.items():
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        (to / name).write_bytes(data)
    return to


def run(folder: Path, *more: object) -> tuple[int, str]:
    """Run the verifier as a stranger does, on nothing but Python."""
    command = [sys.executable, "-I", "-S", str(VERIFIER), str(folder), *map(str, more)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def kept_heads(files: dict[str, bytes], to: Path) -> Path:
    heads = {Path(name).stem: text.splitlines()[0] for name, text in files.items() if name.startswith("seals/")}
    return write({f"{number}.json": head for number, head in heads.items()}, to)


class Copy:
    """An export that may be tampered with: its lines as values."""

    def __init__(self, files: dict[str, bytes], seed: int) -> None:
        self.files = dict(files)
        self.rows = {name: parsed(text) for name, text in files.items() if name.endswith(".jsonl")}
        self.register = self.rows["register.jsonl"]
        self.played = [one for one in self.register if one["draw"]]
        self.random = random.Random(seed)  # noqa: S311 (places to tamper at)

    def one(self, **wanted: Any) -> dict[str, Any]:  # noqa: ANN401 (any field of a draw)
        """Return a random play whose draw has these fields, by `has` those that it has at all."""
        has = wanted.pop("has", ())
        fits = [
            one
            for one in self.played
            if all(one["draw"].get(name) == value for name, value in wanted.items())
            and all(one["draw"].get(name) for name in has)
        ]
        return self.random.choice(fits)

    def seals(self) -> list[str]:
        return sorted(name for name in self.rows if name.startswith("seals/"))

    def written(self, to: Path) -> Path:
        lines = {name: b"".join(canonical(row) + b"\n" for row in rows) for name, rows in self.rows.items()}
        return write({**self.files, **lines}, to)

    def seal_anew(self) -> None:
        """Do as the house could: make every seal anew, so that it fits the register."""
        items = {(i["token"], i["index"]): i for one in self.register for i in verifier.items_of(one)}
        published = json.loads(self.files["campaign.json"])
        made, of = published["commitment"], (published["campaign"], published["version"])
        start = (published["rules_hash"], made["id_key"], made["seed"], published["witness"])
        previous, totals, states = verifier.digest("tombola.genesis.v1", *of, *start).hex(), dict[str, int](), {}
        for place, name in enumerate(self.seals(), 1):
            head, *old = self.rows[name]
            new = [items[key] for each in old if (key := (each["token"], each["index"])) in items]
            for item in sorted(new, key=lambda item: item["index"]):
                for state, more in ((states.get(item["token"], "none"), -1), (item["state"], 1)):
                    totals[state] = totals.get(state, 0) + more
                totals["issued"] = totals.get("issued", 0) + (item["index"] == 0)
                states[item["token"]] = item["state"]
            counted = {state: totals.get(state, 0) for state in verifier.TOTALS}
            top = root(map(canonical, new)).hex()
            parts = (*of, place, previous, top, len(new), head["cutoff"], *counted.values())
            digest = verifier.digest("tombola.head.v1", *parts).hex()
            fields = {"previous": previous, "root": top, "count": len(new), "totals": counted, "head": digest}
            self.rows[name], previous = [head | fields, *new], digest


def canonical(row: dict[str, Any]) -> bytes:
    text: str = verifier.CANONICAL(row)
    return text.encode()


def parsed(text: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


# Ways to tamper with the register, each with what the finding must be called.


def twice(copy: Copy) -> None:
    copy.register.append(deepcopy(copy.random.choice(copy.register)))


def drop(copy: Copy) -> None:
    copy.register.remove(copy.random.choice(copy.register))


def add(copy: Copy) -> None:
    token = copy.random.randbytes(32).hex()
    copy.register.append(deepcopy(copy.random.choice(copy.register)) | {"token": token})


def swap(copy: Copy) -> None:
    first = copy.one()
    second = copy.random.choice([one for one in copy.played if one["draw"] != first["draw"]])
    for name in ("draw", "granted", "money", "prize_state"):
        first[name], second[name] = second[name], first[name]


def day_later(copy: Copy) -> None:
    one = copy.random.choice(copy.register)
    one["at"][0] = (datetime.fromisoformat(one["at"][0]) + timedelta(days=9)).strftime("%Y-%m-%d")


def other_shop(copy: Copy) -> None:
    copy.random.choice(copy.register)["retailer"] = "corner-shop-2"


def never_played(copy: Copy) -> None:
    one = copy.one()
    one["states"][one["states"].index("played")] = "expired"


def played_again(copy: Copy) -> None:
    one = copy.one()
    one["states"].append("played")
    one["at"].append(one["at"][-1])


def grant_more(copy: Copy) -> None:
    reserved = copy.random.choice([o["granted"]["reserved"] for o in copy.played if o["granted"]["reserved"]])
    reserved[next(iter(reserved))] += 1


def grant_another(copy: Copy) -> None:
    copy.one(has=["prize"])["granted"]["name"] = "car"


def pay_more(copy: Copy) -> None:
    paid = copy.random.choice([one for one in copy.played if one["money"].get("payable")])
    paid["money"]["paid"] = paid["money"].pop("payable") + 1


def pay_another(copy: Copy) -> None:
    tokens = {one["token"] for one in copy.register}
    postings = [each for each in copy.rows["postings.jsonl"] if each["cause"][:64] in tokens]
    posting = copy.random.choice(postings)
    posting["cause"] = copy.random.choice([token for token in sorted(tokens) if token != posting["cause"][:64]])


def pay_a_stranger(copy: Copy) -> None:
    postings = [each for each in copy.rows["postings.jsonl"] if each["kind"] == "mature"]
    copy.random.choice(postings)["cause"] = copy.random.randbytes(32).hex()


def skim(copy: Copy) -> None:
    accounts = copy.random.choice(copy.rows["balances.jsonl"])["accounts"]
    accounts[copy.random.choice(sorted(accounts))] -= 1


def lose(copy: Copy) -> None:
    """Make a loser of a winner, and put the money back as if it had never been won."""
    one = copy.one(has=["prize"])
    loser = copy.one(prize="")["draw"]
    seen = {name: one["draw"][name] for name in ("kind", "claims_seen") if name in one["draw"]}
    one["draw"] = loser | seen
    take_back(copy, one)


def take_back(copy: Copy, one: dict[str, Any]) -> None:
    one["granted"] = {"name": "", "kind": "money", "worth_minor": 0, "reserved": {}}
    one["money"], one["prize_state"] = {}, "none"
    postings = copy.rows["postings.jsonl"]
    postings[:] = [each for each in postings if each["cause"][:64] != one["token"]]


def win(copy: Copy) -> None:
    one, model = copy.one(prize=""), copy.one(has=["prize"])
    for name in ("granted", "money", "prize_state"):
        one[name] = deepcopy(model[name])
    one["draw"]["prize"] = model["draw"]["prize"]


def withhold(copy: Copy) -> None:
    """Call a prize empty that was not, and grant what the rules give then."""
    granted = [each for each in copy.played if each["granted"]["name"] == each["draw"]["prize"] and each["money"]]
    one = copy.random.choice(granted)
    rules = json.loads(copy.files["rules.json"])
    take_back(copy, one)
    if rules["when_empty"]:
        one["granted"] |= {"name": "fallback", "reserved": {"fallback": 50}}


def hide_the_draw(copy: Copy) -> None:
    """Say that a winner was played, and nothing of what it drew."""
    one = copy.one(has=["prize"])
    take_back(copy, one)
    one["draw"] = one["granted"] = None


def overstate(copy: Copy) -> None:
    """Call the pool empty by saying that more was due than the prize brings."""
    granted = [each for each in copy.played if each["draw"].get("due_minor") and each["money"]]
    one = copy.random.choice(granted)
    take_back(copy, one)
    one["draw"]["due_minor"] = 10**9


def exhaust(copy: Copy) -> None:
    """Call a coupon empty of which there is no stock that could be."""
    one = copy.one(prize="sip")
    take_back(copy, one)
    one["draw"]["stock_left"] = 0
    one["granted"] |= {"name": "fallback", "reserved": {"fallback": 50}}


def find_empty(copy: Copy) -> None:
    """Say of a play that found something that there was less left."""
    one = copy.one(has=["sequences"])
    one["draw"]["available_minor"] -= 1


def flip_number(copy: Copy) -> None:
    one = copy.one()
    one["draw"]["number"] = f"{int(one['draw']['number'], 16) ^ 1:016x}"


def claim_again(copy: Copy) -> None:
    first, second = copy.one(has=["prize"]), copy.one(has=["prize"])
    while first is second:
        second = copy.one(has=["prize"])
    second["draw"] |= {"moment": first["draw"]["moment"], "claims_seen": first["draw"]["claims_seen"]}


def see_other_claims(copy: Copy) -> None:
    one = copy.one(prize="")
    one["draw"]["claims_seen"] = copy.random.choice([max(one["draw"]["claims_seen"] - 1, 0), 22, 23])


REGISTER: dict[Callable[[Copy], None], str] = {
    twice: "repeated", drop: "dropped", add: "added", swap: "swapped", day_later: "altered", other_shop: "altered",
    never_played: "altered", played_again: "repeated", grant_more: "granted", grant_another: "granted",
    pay_more: "paid", pay_another: "paid", pay_a_stranger: "paid", skim: "paid", lose: "loser", withhold: "empty",
}  # fmt: skip
"""What is found in the register alone, the seals being as they were."""
ANEW: dict[Callable[[Copy], None], str] = {
    twice: "repeated", played_again: "repeated", grant_more: "granted", grant_another: "granted", pay_more: "paid",
    pay_another: "paid", lose: "loser", win: "altered", withhold: "empty", find_empty: "empty",
    hide_the_draw: "altered",
}  # fmt: skip
"""What is found although the house made every seal anew."""
OF_KIND: dict[str, dict[Callable[[Copy], None], str]] = {
    "winning_moments": {claim_again: "repeated", see_other_claims: "loser altered", overstate: "granted"},
    "odds": {flip_number: "altered", swap: "altered", exhaust: "empty"},
}
KEPT = (drop, swap, other_shop, never_played, grant_more, grant_another, lose, win, withhold, find_empty)
"""What the heads that others kept show, though the house made every seal anew; some of it they alone."""


@pytest.fixture(params=["winning_moments", "odds"])
def files(request: pytest.FixtureRequest, launch: Callable[..., Season], odds: dict[str, Any]) -> dict[str, bytes]:
    """Return a true export, by either draw."""
    season = live(launch(**(odds if request.param == "odds" else {})))
    return dict(export_audit(season.ports, "june-wheel"))


def found(folder: Path, kept: Path | None = None) -> list[str]:
    """Return what the verifier finds, in this process."""
    lines: list[str] = []
    export = verifier.Export(folder)
    heads = [json.loads(path.read_bytes()) for path in kept.iterdir()] if kept else []
    say = lambda wrong, words: lines.extend([words] if wrong else [])  # noqa: E731
    verifier.check_heads(export, heads, say)
    (verifier.check_odds if export.by_odds else verifier.check_moments)(export, say)
    for name in ("published", "register", "grants", "money", "stocks"):
        getattr(verifier, f"check_{name}")(export, say)
    return lines


def test_a_true_export_passes_and_every_tampering_is_found_and_named(files: dict[str, bytes], tmp_path: Path) -> None:
    kept, places = kept_heads(files, tmp_path / "kept"), (tmp_path / str(n) for n in range(10_000))
    assert found(write(files, tmp_path / "true"), kept) == []
    assert run(tmp_path / "true", "--heads", kept)[0] == 0
    own = OF_KIND[json.loads(files["rules.json"])["draw"]["kind"]]
    missed = [
        *tampered(files, REGISTER | own, places),
        *tampered(files, ANEW | own, places, anew=True),
        *tampered(files, dict.fromkeys(KEPT, "head"), places, anew=True, kept=kept),
    ]
    assert missed == []


def tampered(
    files: dict[str, bytes], ways: dict[Callable[[Copy], None], str], places: Iterator[Path],
    *, anew: bool = False, kept: Path | None = None,
) -> Iterator[str]:  # fmt: skip
    """Tamper in each of these ways at random places; yield what was not found, or not named."""
    for way, words in ways.items():
        for seed in range(TIMES):
            copy = Copy(deepcopy(files), seed)
            way(copy)
            if anew:
                copy.seal_anew()
            lines = found(copy.written(next(places)), kept)
            if not any(line.startswith(word) for line in lines for word in words.split()):
                yield f"{way.__name__} {seed} anew={anew}: {lines[:3]}"


def test_seals_that_were_changed_are_found(files: dict[str, bytes], tmp_path: Path) -> None:
    kept, names = kept_heads(files, tmp_path / "kept"), sorted(name for name in files if name.startswith("seals/"))
    middle = parsed(files[names[2]])
    changed = middle[1] | {"at": "2017-06-19"}
    cases: dict[str, dict[str, bytes]] = {
        "item altered": {names[2]: b"\n".join(map(canonical, [middle[0], changed, *middle[2:]]))},
        "item dropped": {names[2]: b"\n".join(map(canonical, [middle[0], *middle[2:]]))},
        "item twice": {names[2]: b"\n".join(map(canonical, [*middle, middle[-1]]))},
        "head altered": {names[2]: b"\n".join(map(canonical, [middle[0] | {"head": "00" * 32}, *middle[1:]]))},
        "cutoff altered": {names[2]: files[names[2]].replace(b'"cutoff":"2017', b'"cutoff":"2016')},
        "seals exchanged": {names[1]: files[names[2]], names[2]: files[names[1]]},
        "witness altered": {"campaign.json": files["campaign.json"].replace(b"a witness", b"b witness")},
    }
    for name, change in cases.items():
        lines = found(write(files | change, tmp_path / name))
        assert any(line.startswith("head") for line in lines), name
    last = {name: data for name, data in files.items() if name != names[-1]}
    assert any("was sent out, and is not here" in line for line in found(write(last, tmp_path / "last"), kept))


def test_rules_and_keys_that_are_not_those_published_are_found(files: dict[str, bytes], tmp_path: Path) -> None:
    keys = json.loads(files["reveal.json"])
    cases = {
        "rules": {"rules.json": files["rules.json"].replace(b'"cap":"50"', b'"cap":"51"')},
        "keys: the revealed seed": {"reveal.json": json.dumps(keys | {"seed": "00" * 32}).encode()},
        "keys: the revealed id_key": {"reveal.json": json.dumps(keys | {"id_key": "00" * 32}).encode()},
        "keys: revealed at": {
            "campaign.json": files["campaign.json"].replace(b'"reveal_by":"2017', b'"reveal_by":"2016')
        },
    }
    for word, change in cases.items():
        assert any(line.startswith(word) for line in found(write(files | change, tmp_path / word.replace(" ", "-"))))


def test_a_retailers_own_orders_show_tokens_that_are_nobodys(files: dict[str, bytes], tmp_path: Path) -> None:
    folder, kept = write(files, tmp_path / "true"), kept_heads(files, tmp_path / "kept")
    orders = tmp_path / "orders.csv"
    orders.write_text("retailer,order_id\n" + "".join(f"corner-shop,o-{n}\n" for n in range(50)), encoding="utf-8")
    code, said = run(folder, "--heads", kept, "--entries", orders)
    assert code == 0, said
    orders.write_text("retailer,entry\n" + "".join(f"corner-shop,order/o-{n}\n" for n in range(39)), encoding="utf-8")
    code, said = run(folder, "--entries", orders)
    assert code == 1
    assert said.count("belongs to no order of corner-shop") == 1


def test_free_entries_payments_and_what_came_back_fit(launch: Callable[..., Season], tmp_path: Path) -> None:
    season = launch(
        prizes=[{"name": "basket", "kind": "basket_value", "cap": "50.00", "chance": "1"}],
        draw={"kind": "odds", "maximum_plays": 500},
        when_empty={"announced": "until the pool is empty"},
        limits={"per_campaign": 500},
        pool={"amount": "95.00", "currency": "USD", "unrecovered_returns": "20.00"},
        free_entry={"amount": "12.00", "how": "by card"},
    )
    free, paid, owed, given_up, void = (season.enter_free("card-1"), *(season.issue(f"o-{n}") for n in range(4)))
    empty = season.issue("o-4")
    for token in (free, paid, owed, given_up, void, empty):
        season.play(token)
    settle_plays(season.ports)
    for token, amount in ((free, "12.00"), (paid, "20.00"), (owed, "20.00"), (given_up, "20.00")):
        season.claim(token)
        season.pay(token, amount)
    for order in (1, 2, 3):
        season.issue(f"o-{order}", cancelled=True)
    write_off_prize(season.ports, given_up, "the shop is closed")
    season.over()
    reveal_campaign(season.ports, "june-wheel")
    orders = tmp_path / "orders.csv"
    orders.write_text(
        "retailer,entry\n" + "".join(f"corner-shop,{entry}\n" for entry in ENTRIES_OF_SIX), encoding="utf-8"
    )
    folder = write(dict(export_audit(season.ports, "june-wheel")), tmp_path / "true")
    code, said = run(folder, "--entries", orders)
    assert code == 0, said
    became = {one["token"]: one["money"] for one in parsed((folder / "register.jsonl").read_bytes())}
    assert [became[token] for token in (free, paid, owed, given_up, void, empty)] == [
        {"paid": 1200}, {"paid": 2000}, {"recoverable": 2000}, {"written_off": 2000}, {"available": 2000}, {},
    ]  # fmt: skip
    assert b"p-" not in (folder / "postings.jsonl").read_bytes()


ENTRIES_OF_SIX = ("free/card-1", *(f"order/o-{n}" for n in range(5)))


def test_before_the_reveal_all_but_the_draws_is_checked(season: Season, tmp_path: Path) -> None:
    season.play(season.issue("o-1"))
    season.seal()
    season.issue("o-2")
    code, said = run(write(dict(export_audit(season.ports, "june-wheel")), tmp_path / "early"))
    assert code == 3
    assert "the keys are not revealed (due by 2017-07-31T00:00:00+00:00)" in said


def test_what_is_no_export_is_said_to_be_none(tmp_path: Path) -> None:
    assert run(tmp_path)[0] == 2


def test_the_figures_and_the_signature_are_told(files: dict[str, bytes], tmp_path: Path) -> None:
    code, said = run(write(files, tmp_path / "true"))
    assert code == 0
    assert "no heads kept by others" in said
    published = json.loads(files["campaign.json"])
    assert all(stated in said for stated in (published["rules_hash"], published["commitment"]["seed"], "a witness"))
    assert "clocks may differ by 2 s" in said
    assert "of all: " in said
    assert "retailer corner-shop: " in said
    by_odds = b'"kind":"odds"' in files["rules.json"]
    assert ("promised: 70.0000%" in said) == by_odds
    assert ("from moment to claim" in said) != by_odds
    (command,) = [line for line in said.splitlines() if "pkeyutl" in line]
    pem = Path(command.split("-inkey ")[1].split()[0]).read_bytes()
    (texts,) = [line.split() for line in said.splitlines() if "head.txt; " in line]
    head, signature = texts[2], texts[7]
    load_pem_public_key(pem).verify(base64.b64decode(signature), head.encode())  # type: ignore[union-attr, call-arg]


@pytest.mark.parametrize(
    ("wins", "plays", "chance", "expected"),
    [(0, 10, 0.5, 0.001953125), (5, 10, 0.5, 1.0), (2, 10, 0.1, 0.264), (9, 10, 0.5, 0.021484375), (0, 0, 0.5, 1)],
)
def test_p_values_are_those_of_the_exact_binomial_test(wins: int, plays: int, chance: float, expected: float) -> None:
    """Expected by R's `binom.test`."""
    assert verifier.p_value(wins, plays, chance) == pytest.approx(expected, rel=1e-3)


@given(lines=st.lists(st.binary(max_size=8), max_size=40))
def test_both_implementations_make_the_same_tree(lines: list[bytes]) -> None:
    assert verifier.merkle(lines) == root(lines)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(id_key=st.binary(min_size=1, max_size=32), texts=st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), tier=st.integers(1, 9))
def test_both_implementations_derive_the_same_token(id_key: bytes, texts: tuple[str, str, str, str], tier: int) -> None:
    made = verifier.digest("tombola.token.v1", *texts, tier, key=id_key.hex()).hex()
    assert made == token_id(id_key, *texts, tier)


@pytest.mark.parametrize("zone", ["America/New_York", "UTC", "Australia/Lord_Howe"])
def test_both_implementations_derive_the_same_moments_and_numbers(
    zone: str, rules: dict[str, Any], odds: dict[str, Any]
) -> None:
    window = {"opens": "2017-03-11T00:00:00", "closes": "2017-11-20T00:00:00", "time_zone": zone}
    parts = {"version": 3, "rules_hash": "00ff", "witness": "w\u00e9", "commitment": {}, "status": "ended"}
    seed, at = bytes(range(32)), datetime(2017, 6, 15, tzinfo=UTC)
    export = object.__new__(verifier.Export)
    export.of, export.keys, export.published = ("june-wheel", 3), {"seed": seed.hex()}, parts
    launched = Launched.model_validate({**parts, "rules": {**rules, "window": window}, "launched_at": at})
    export.rules = launched.rules.model_dump(mode="json")
    between = (launched.rules.window.opens_at, launched.rules.window.closes_at)
    made = winning_moments(seed, "w\u00e9", "00ff", CampaignVersion("june-wheel", 3), between, [20, 3])
    names = [prize.name for prize in launched.rules.prizes]
    assert export.moments() == [(moment.at, names[moment.prize]) for moment in made]
    by_odds = Campaign.model_validate(rules | odds)
    export.rules = by_odds.model_dump(mode="json")
    assert export.thresholds() == list(thresholds(by_odds.prizes))
    assert export.derived("tombola.odds.v1", "a token") >> 64 == number(seed, "00ff", "w\u00e9", "a token")
