"""The pages of the documentation hold what the code says, all of it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from tombola.feeds.codes import CODES
from tombola.feeds.contracts import CONTRACTS
from tombola.feeds.receipts import Finding, Receipt, schema
from tombola.feeds.renderings.markdown import all_in
from tombola.feeds.tables import KEYS, TABLES, table_name

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_every_code_is_documented_in_its_own_line() -> None:
    page = (DOCS / "feed-errors.md").read_text(encoding="utf-8")
    rows = re.findall(r'^\| <a id="[a-z0-9-]+"></a>`([a-z0-9-]+)` \| (.+) \| (.+) \|$', page, re.MULTILINE)
    assert {code: (meaning, fix) for code, meaning, fix in rows} == {
        code: (known.meaning, known.fix) for code, known in CODES.items()
    }
    assert len(rows) == len(CODES)


def test_the_link_of_a_finding_leads_to_the_line_of_its_code() -> None:
    page = (DOCS / "feed-errors.md").read_text(encoding="utf-8")
    for code in CODES:
        address, _, anchor = Finding(code=code, field="", count=1, examples=()).documentation.partition("#")
        assert address.endswith("/docs/feed-errors.md")
        assert f'<a id="{anchor}"></a>`{code}`' in page


def test_the_published_schema_is_that_of_the_receipts() -> None:
    """`tombola receipt schema > docs/receipt.schema.json` writes it anew."""
    assert json.loads((DOCS / "receipt.schema.json").read_text(encoding="utf-8")) == schema()


def test_every_receipt_has_the_published_form(judge: Callable[..., Receipt], orders: Callable[..., str]) -> None:
    published = schema()
    given = judge(orders("1,1,42,s1,2017-06-01T10:00:00,p1,one,2.50,0,0")).model_dump(mode="json")
    assert set(given) == set(published["properties"])
    assert set(published["required"]) <= set(given)
    for name, part in {"Finding": given["errors"][0], "Signature": given["signature"]}.items():
        assert set(part) == set(published["$defs"][name]["properties"])


def test_the_contracts_in_the_page_are_those_in_the_code() -> None:
    """`tombola contract --all --into docs/feeds.md` writes them anew."""
    page = (DOCS / "feeds.md").read_text(encoding="utf-8")
    assert all_in(page) == page
    for row in CONTRACTS.values():
        assert all(f"| {field.description} |" in page for field in row.model_fields.values())


def test_every_feed_has_a_table_whose_key_it_holds() -> None:
    assert set(TABLES) == set(KEYS) == {table_name(kind) for kind in CONTRACTS}
    for table, key in KEYS.items():
        assert set(key) <= set(TABLES[table].names)
