import json
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from tombola.experiments.arms import arm
from tombola.local.demo import public_key
from tombola.privacy.pseudonyms import pseudonym

from .conftest import command, developing, get, start, totals

VERIFIER = Path(__file__).parents[2] / "tools" / "verify_draws.py"
Undisturbed = tuple[Path, dict[str, Any]]
PROMISED = {
    "files", "orders", "shoppers", "proposals", "tokens", "plays", "wins", "prize_pool_minor", "won_minor",
    "released_minor", "ledger_balance_minor",
}  # fmt: skip


def test_the_demo_prints_one_object_of_totals_that_add_up(undisturbed: Undisturbed) -> None:
    _, found = undisturbed
    assert set(found) >= PROMISED
    assert len(found["files"]) == 36
    for file in found["files"]:
        assert file["rows"] == file["accepted"] + file["rejected"] + file["duplicates"]
    assert found["shoppers"] == 10
    assert found["orders"] > 100
    assert 0 < found["wins"] <= found["plays"] <= found["tokens"] < found["proposals"]
    assert found["ledger_balance_minor"] == 0


def test_tokens_are_just_what_the_files_themselves_say(undisturbed: Undisturbed) -> None:
    """Recount from the retailer's files, with nothing of the product but pseudonyms and arms."""
    home, found = undisturbed
    inbox = home / "inbox" / "orchard-market"
    products = pl.read_csv(inbox / "products" / "*.csv", separator="|", infer_schema=False)
    lines = pl.read_csv(inbox / "orders" / "*.csv", separator="|", infer_schema=False)
    meant = (pl.col("LABEL") == "National") & pl.col("COMMODITY").is_in(["SOFT DRINKS", "BAG SNACKS"])
    qualified = (
        lines.filter(pl.col("RUNG_AT").str.slice(0, 2).is_in(["10", "11"]))
        .join(products.filter(meant), on="UPC")
        .group_by("TICKET", "CARD_NO")
        .agg(pl.col("UNITS").cast(pl.Int64).sum())
        .filter(pl.col("UNITS") >= 2)
    )
    key = public_key("pseudonym-orchard-market")
    shoppers = [pseudonym(key, "orchard-market", card) for card in qualified["CARD_NO"]]
    invited = [one for one in shoppers if arm("autumn-snacks", 1, one, Decimal("0.10")).arm == "invited"]
    assert max(Counter(invited).values()) <= 10, "the limit per shopper is reached: recount it too"
    assert found["tokens"] == len(invited)


def test_lived_again_in_the_same_home_the_year_changes_no_total(undisturbed: Undisturbed) -> None:
    home, found = undisturbed
    assert totals(home) == found


def test_a_stranger_checks_every_draw_with_one_file_and_nothing_else(undisturbed: Undisturbed) -> None:
    home, found = undisturbed
    export, heads = home / "exports" / "autumn-snacks-v1", home / "audit" / "autumn-snacks" / "v1" / "heads"
    checked = [sys.executable, "-I", "-S", str(VERIFIER), str(export), "--heads", str(heads)]
    done = subprocess.run(checked, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{found['tokens']} tokens, {found['plays']} plays" in done.stdout
    assert "everything that could be checked fits" in done.stdout


def test_killed_in_the_middle_and_started_again_it_comes_to_the_same_totals(
    tmp_path: Path, undisturbed: Undisturbed
) -> None:
    for instant in ("2017-02-15", "2017-10-20", "2017-11-12"):
        _kill_once_past(tmp_path, datetime.fromisoformat(f"{instant}T00:00:00+00:00"))
    assert totals(tmp_path) == undisturbed[1]


def test_a_home_that_holds_another_demo_is_refused_with_both_numbers(undisturbed: Undisturbed) -> None:
    home, _ = undisturbed
    other = [*command(home)[:-1], "7"]
    done = subprocess.run(other, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "holds the year of 10 households, not of 7" in done.stderr


def test_the_console_shows_what_the_year_came_to(undisturbed: Undisturbed) -> None:
    home, found = undisturbed
    with developing(home, "--home", str(home)) as port:
        state = json.loads(get(port, "/console/state") or "null")
        page = get(port, "/")
    assert page is not None
    assert "<html" in page
    [campaign] = state["campaigns"]
    assert (campaign["tokens"], campaign["wins"]) == (found["tokens"], found["wins"])
    assert len(state["files"]) > 0
    assert state["dead_letters"] == []


def test_no_log_line_holds_a_shopper_an_order_or_a_key(undisturbed: Undisturbed) -> None:
    home, _ = undisturbed
    lines = (home / "logs" / "functions.jsonl").read_text().splitlines()
    assert len(lines) > 500
    text = "\n".join(lines)
    ticket = (home / "inbox" / "orchard-market" / "orders" / "2017-10.csv").read_text().splitlines()[1].split("|")[0]
    assert ticket not in text
    assert "orchard" not in text
    assert all(json.loads(line)["severity"] for line in lines)


def _kill_once_past(home: Path, instant: datetime) -> None:
    """Start the demo and kill it with SIGKILL as soon as its clock has passed an instant."""
    give_up_at = time.monotonic() + 120
    with start(home) as process:
        try:
            while _clock(home) < instant:
                assert process.poll() is None, "ended before it could be killed"
                assert time.monotonic() < give_up_at, "never came so far"
                time.sleep(0.01)
        finally:
            process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def _clock(home: Path) -> datetime:
    clock = home / "clock"
    text = clock.read_text() if clock.exists() else ""
    return datetime.fromisoformat(text or "2017-01-01T00:00:00+00:00")
