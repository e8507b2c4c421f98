"""Samples: rows at every edge, to try an export pipeline with."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tombola import cli
from tombola.feeds.contracts import KINDS, contract
from tombola.feeds.events import FeedKind
from tombola.feeds.receipts import Receipt
from tombola.feeds.renderings.json_schema import json_schema
from tombola.feeds.renderings.markdown import markdown
from tombola.feeds.samples import as_csv, edges, sample, seeded


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    return int(ended.value.code or 0), *capsys.readouterr()


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_is_accepted_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: FeedKind) -> None:
    file = tmp_path / "sample.csv"
    assert run(capsys, "contract", kind, "--sample", "150", "--seed", "7", "--out", str(file)) == (0, "", "")
    code, out, _ = run(capsys, "check", str(file), "--feed", kind, "--json")
    receipt = Receipt.model_validate_json(out)
    assert (code, receipt.rows, receipt.accepted, receipt.verdict) == (0, 150, 150, "accepted")


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_shows_every_edge_and_is_the_same_for_the_same_seed(kind: FeedKind) -> None:
    rows, again = (list(sample(kind, 200, seeded(1))) for _ in range(2))
    assert rows == again
    assert rows != list(sample(kind, 200, seeded(2)))
    row = contract(kind)
    for name in set(row.model_fields) - set(row.KEY) - {"gtin"}:
        assert {getattr(one, name) for one in rows} >= set(edges(row, name)), name
    keys = [tuple(getattr(one, name) for name in row.KEY) for one in rows]
    assert len(set(keys)) == len(keys)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 10**9))
def test_any_seed_gives_as_many_rows_as_were_asked_for(kind: FeedKind, seed: int) -> None:
    assert len(list(sample(kind, 40, seeded(seed)))) == 40


def test_lines_of_one_sampled_order_agree_on_the_order() -> None:
    stated: dict[str, set[tuple[object, ...]]] = {}
    for row in sample("orders", 90, seeded(3)):
        of = (getattr(row, name) for name in ("shopper_id", "store_id", "ordered_at", "currency"))
        stated.setdefault(getattr(row, "order_id"), set()).add(tuple(of))  # noqa: B009 (a row of any kind)
    assert [len(orders) for orders in stated.values()] == [1] * 30


def test_no_rows_are_a_header() -> None:
    assert as_csv("products", []) == ",".join(contract("products").model_fields) + "\n"


def test_the_command_writes_what_the_renderings_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "contract", "orders")[:2] == (0, markdown("orders"))
    assert f'"$id": "{json_schema("orders")["$id"]}"' in run(capsys, "contract", "orders", "--as", "json-schema")[1]
    assert '"policyTags"' in run(capsys, "contract", "--all", "--as", "bigquery", "--policy-tag", "tag")[1]
    assert "gtin: string" in run(capsys, "contract", "products", "--as", "arrow")[1]
    run(capsys, "contract", "products", "--as", "arrow", "--out", str(tmp_path / "schema"))
    assert "gtin" in pa.ipc.read_schema(pa.py_buffer((tmp_path / "schema").read_bytes())).names


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--all"),
        (["orders", "--all"], "--all"),
        (["--all", "--sample", "3"], "--sample"),
        (["orders", "--into", "x.md"], "--into"),
        (["prices"], "prices"),
        (["orders", "--out", "/no/such/folder/x"], "cannot write"),
        (["--all", "--into", "/no/such/page.md"], "cannot read"),
    ],
)
def test_what_cannot_be_shown_is_said(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    code, out, err = run(capsys, "contract", *arguments)
    assert (code, out) == (2, "")
    assert said in err
