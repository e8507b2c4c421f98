"""The page says what the figures allow and no more, holds everything it needs, and escapes what others wrote."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq
import pytest

from tombola.experiments.analysis import ArmSums, Comparison, compare
from tombola.reports.assembly import experiment_part
from tombola.reports.charts import difference_chart, plays_chart, pool_chart
from tombola.reports.model import CampaignReport, Check, Commitment, Counts, Day, Money, ReportRequest, Store
from tombola.reports.rendering import render
from tombola.reports.tables import day_rows, summary_rows, to_csv, to_parquet
from tombola.reports.wording import findings, money_text, share_text, signed_text, verdict

SHARE = Decimal("0.1")
INVITED, CONTROL = ArmSums.of([100, 900] * 180), ArmSums.of([200, 700] * 18)
COMMITMENT = Commitment(
    id_key="1d" * 32, seed="5e" * 32, witness="Bailiff <b>4711</b>", committed_at=datetime(2017, 6, 1, 9, tzinfo=UTC),
    launched_at=datetime(2017, 6, 2, 9, tzinfo=UTC), reveal_by=datetime(2017, 7, 30, tzinfo=UTC),
)  # fmt: skip
Make = Callable[..., CampaignReport]


@pytest.fixture
def made() -> Make:
    def make(
        found: Comparison | None = None, mode: Literal["invitation", "banner"] = "invitation", **changed: object
    ) -> CampaignReport:
        compared = found or compare(INVITED, CONTROL, share=SHARE, prizes_minor=900)
        days = tuple(
            Day(day=date(2017, 6, 15 + n), proposals=9, withheld=1, tokens=5, plays=n, wins=n // 2, reserved_minor=50,
                cumulative_reserved_minor=50 * (n + 1))
            for n in range(4)
        )  # fmt: skip
        fields: dict[str, Any] = {
            "campaign": "june-wheel", "version": 1, "title": 'Spin <script>alert(1)</script> & "win"',
            "sponsor": "Dairy <img src=x>", "retailers": ("corner-shop",), "rules_hash": "ab" * 32,
            "rules_url": 'https://rules.example/"onclick="x', "commitment": COMMITMENT,
            "opens_at": datetime(2017, 6, 15, 4, tzinfo=UTC),
            "closes_at": datetime(2017, 6, 19, 4, tzinfo=UTC), "time_zone": "America/New_York", "currency": "USD",
            "moments": 5, "as_of": datetime(2017, 6, 20, 4, tzinfo=UTC), "counts": Counts(tokens_issued=20, wins=2),
            "money": Money(pool_minor=10_000, reserved_minor=200, released_minor=0, waiting_minor=200,
                           payable_minor=0, paid_minor=0, left_minor=9800),
            "experiment": experiment_part(mode, SHARE, compared), "days": days,
            "stores": (Store(retailer="shop", store_id="<i>1</i>", stores=1, orders=3, shoppers=9, value_minor=5),),
            "checks": (Check(what="Tokens", found="1", expected="1", holds=True),),
        }  # fmt: skip
        return CampaignReport.model_validate({**fields, **changed})

    return make


def page_of(report: CampaignReport) -> str:
    charts = (plays_chart(report), pool_chart(report), difference_chart(report))
    return render(report, [chart for chart in charts if chart])


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_runs_nothing_and_fetches_nothing(made: Make) -> None:
    page = page_of(made())
    elements = Elements(page).found
    assert not {tag for tag, _ in elements} & {"script", "link", "img", "iframe", "object", "image", "use", "form"}
    attributes = [(name, value) for _, attrs in elements for name, value in attrs.items()]
    assert not [name for name, _ in attributes if name.startswith("on") or name in {"src", "xlink:href"}]
    assert [value for name, value in attributes if name == "href"] == ['https://rules.example/"onclick="x']
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_what_others_wrote_is_text_on_the_page(made: Make) -> None:
    page = page_of(made())
    assert "Spin &lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;win&#34;" in page
    assert "&lt;i&gt;1&lt;/i&gt;" in page


def test_an_auditor_finds_on_the_page_what_was_committed_and_what_can_be_checked_when(made: Make) -> None:
    section = page_of(made()).split("Check it yourself")[1]
    for stated in (
        "1d" * 32, "5e" * 32, "ab" * 32, "Bailiff &lt;b&gt;4711&lt;/b&gt;", "2017-06-01 09:00:00 UTC",
        "2017-06-02 09:00:00 UTC, before the opening", "2017-07-30 00:00:00 UTC</dd>",
    ):  # fmt: skip
        assert stated in section
    assert section.index("at any time") < section.index("only after the reveal") < section.index("verify_draws.py")


def test_a_launch_after_the_opening_and_a_reveal_overdue_are_said(made: Make) -> None:
    late = {"launched_at": datetime(2017, 6, 16, tzinfo=UTC), "reveal_by": datetime(2017, 6, 20, 3, tzinfo=UTC)}
    page = page_of(made(commitment=COMMITMENT.model_copy(update=late)))
    assert "2017-06-16 00:00:00 UTC, after the opening" in page
    assert "2017-06-20 03:00:00 UTC, which has passed" in page


def test_every_chart_has_words_and_no_two_elements_share_an_id(made: Make) -> None:
    elements = Elements(page_of(made())).found
    ids = [attrs["id"] for _, attrs in elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    drawn = [attrs for tag, attrs in elements if tag == "svg"]
    assert len(drawn) == 6
    for attrs in drawn:
        assert attrs["role"] == "img"
        assert set((attrs["aria-labelledby"] or "").split()) <= set(ids)


def test_a_line_that_does_not_add_up_stands_in_red_at_the_top(made: Make) -> None:
    broken = Check(what="Wins", found="9", expected="at most 5", holds=False)
    page = page_of(made(checks=(broken,)))
    assert 'role="alert"' in page
    assert 'class="fails-row"' in page
    assert 'role="alert"' not in page_of(made())


def test_the_same_report_is_the_same_page(made: Make) -> None:
    assert page_of(made()) == page_of(made())


def test_without_an_interval_there_is_no_chart_of_it_and_the_page_says_why(made: Make) -> None:
    lone = compare(INVITED, ArmSums.of([200]), share=SHARE, prizes_minor=900)
    report = made(lone)
    assert difference_chart(report) is None
    assert "fewer than 2 shoppers" in page_of(report)


@pytest.mark.parametrize(
    ("invited", "control", "says"),
    [
        ([100, 101, 102] * 100, [10, 11, 12] * 10, "More than chance"),
        ([10, 11, 12] * 100, [100, 101, 102] * 10, "Less than without"),
        ([0, 300] * 150, [10, 280] * 15, "Could be chance"),
        ([0, 1] * 5000, [3, 4, 5] * 100, "Not to be trusted"),
        ([100, 101, 102] * 20, [10, 11, 12], "More than chance, but the control group has only 3 shoppers"),
        ([0, 300] * 20, [10, 280] * 2, "Could be chance: the control group has only 4 shoppers"),
        ([5, 6] * 20, [5], "No answer: the control group has only 1 shopper"),
        ([5, 6], [], "No answer: the control group has no shoppers, the invited group has only 2 shoppers"),
        ([0, 1] * 500, [3, 4, 5], "Not to be trusted: the control group has only 3 shoppers"),
    ],
)
def test_the_verdict_claims_no_more_than_the_interval(
    invited: list[int], control: list[int], says: str, made: Make
) -> None:
    found = compare(ArmSums.of(invited), ArmSums.of(control), share=SHARE, prizes_minor=0)
    assert verdict(made(found).experiment) == says


def test_no_percentage_is_made_of_a_group_of_three(made: Make) -> None:
    few = compare(ArmSums.of([100, 101, 102] * 20), ArmSums.of([60, 65, 70]), share=SHARE, prizes_minor=0)
    many = compare(ArmSums.of([100, 101, 102] * 100), ArmSums.of([60, 65, 70] * 10), share=SHARE, prizes_minor=0)
    assert "%" not in findings(made(few))[0]
    assert "(55.4% more)" in findings(made(many))[0]
    assert few.difference_minor == many.difference_minor == 36


def test_an_interval_with_zero_inside_is_said_to_show_nothing(made: Make) -> None:
    words = " ".join(findings(made()))
    assert "includes zero" in words
    assert "seldom" not in words


def test_where_all_could_win_the_words_take_no_prizes_off(made: Make) -> None:
    shared = compare(INVITED, CONTROL, share=SHARE, prizes_minor=None)
    assert findings(made(shared, mode="banner"))[-1].startswith("Both groups could win")


def test_no_control_group_means_no_claim(made: Make) -> None:
    alone = compare(INVITED, ArmSums(0, 0, 0), share=Decimal(0), prizes_minor=0)
    assert verdict(made(alone).experiment) == "No answer"
    assert "had no control group" in findings(made(alone))[0]


def test_money_is_written_with_its_currencys_decimals() -> None:
    assert money_text(123_450, "USD") == "USD\N{NO-BREAK SPACE}1,234.50"
    assert money_text(-5, "JPY") == "\N{MINUS SIGN}JPY\N{NO-BREAK SPACE}5"
    assert signed_text(0.4, "USD") == "USD\N{NO-BREAK SPACE}0.00"
    assert signed_text(41, "KWD") == "+KWD\N{NO-BREAK SPACE}0.041"
    assert share_text(1, 0) == "\N{EN DASH}"


def test_tables_say_the_same_in_csv_and_parquet(made: Make) -> None:
    for rows in (day_rows(made()), summary_rows(made())):
        told = list(csv.DictReader(io.StringIO(to_csv(rows).decode("utf-8-sig"))))
        kept = pq.read_table(io.BytesIO(to_parquet(rows, "USD"))).to_pylist()
        assert [list(row) for row in told] == [list(row) for row in kept]
        assert [[str(value) for value in row.values()] for row in kept] == [list(row.values()) for row in told]


def test_no_cell_of_a_table_can_be_a_formula(made: Make) -> None:
    risky = made(title="=1+1", sponsor="@SUM(A1)")
    for rows in (day_rows(risky), summary_rows(risky)):
        cells = [cell for row in csv.reader(io.StringIO(to_csv(rows).decode("utf-8-sig"))) for cell in row]
        assert not [cell for cell in cells if re.match(r"[=+@\t\r]|-(?!\d)", cell)]


def test_a_figure_that_cannot_be_known_is_empty_and_keeps_its_type(made: Make) -> None:
    alone = compare(INVITED, ArmSums(0, 0, 0), share=Decimal(0), prizes_minor=0)
    known, unknown = summary_rows(made()), summary_rows(made(alone))
    assert unknown[0]["difference"] is None
    schemas = [pq.read_schema(io.BytesIO(to_parquet(rows, "USD"))) for rows in (known, unknown)]
    assert schemas[0].equals(schemas[1])


def test_the_documentation_asks_for_the_report_of_a_campaign_that_the_demo_has() -> None:
    root = Path(__file__).resolve().parents[3]
    (asked,) = re.findall(r"curl --json '(.*?)'", (root / "docs/reports.md").read_text(encoding="utf-8"))
    campaign = ReportRequest.model_validate_json(asked).campaign
    assert (root / f"shared/tombola/local/examples/{campaign}.yaml").is_file()


@pytest.mark.parametrize(("table", "rows_of"), [("days", day_rows), ("summary", summary_rows)])
def test_the_documentation_names_every_column_in_order(
    table: str, rows_of: Callable[[CampaignReport], list[dict[str, object]]], made: Make
) -> None:
    text = (Path(__file__).resolve().parents[3] / "docs/reports.md").read_text(encoding="utf-8")
    section = text.split(f"\n## `{table}`\n")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert [name for cell in cells for name in re.findall(r"`(\w+)`", cell)] == list(rows_of(made())[0])
