from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.campaigns.checking import CheckedCampaign, check, named_retailers
from tombola.errors import Problem
from tombola.retailers.model import Retailer

Known = Mapping[str, Retailer]


def faults(text: bytes | str, retailers: Known) -> list[Problem]:
    checked = check(text, retailers)
    assert isinstance(checked, list)
    return checked


def changed(text: str, *changes: tuple[str, str]) -> str:
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text


def accepted(text: str, retailers: Known) -> CheckedCampaign:
    checked = check(text, retailers)
    assert isinstance(checked, CheckedCampaign), checked
    return checked


def test_a_good_file_is_accepted_with_its_worst_case(campaign_text: str, retailers: Known) -> None:
    checked = accepted(campaign_text, retailers)
    assert (checked.liability.worst_case_minor, checked.liability.pool_minor) == (200_000, 200_000)
    assert checked.liability.covered
    assert {warning.where for warning in checked.warnings} == {"line 33, column 15: eligibility.countries #1"}
    assert named_retailers(campaign_text) == ("corner-shop",)


def test_a_file_is_the_same_as_bytes_with_a_byte_order_mark(campaign_text: str, retailers: Known) -> None:
    assert check(b"\xef\xbb\xbf" + campaign_text.encode(), retailers) == check(campaign_text, retailers)


def test_every_fault_is_named_at_once_with_its_line(campaign_text: str, retailers: Known) -> None:
    text = changed(
        campaign_text,
        ("[corner-shop]", "[corner-shop, nowhere]"),
        ("America/New_York", "Mars/Olympus"),
        ("share: 0.10", "share: 1.10"),
        ("game: wheel", "game: roulette"),
        ("moments: 40", "moments: 41"),
        ("[US]", "[US, XX]"),
    )
    found = [(problem.where, problem.found) for problem in faults(text, retailers)]
    assert found == [
        ("line 4, column 26: retailers #2", "'nowhere'"),
        ("line 10, column 3: window.time_zone", "time zone 'Mars/Olympus'"),
        ("line 12, column 11: control.share", "'1.10'"),
        ("line 25, column 1: game", "'roulette'"),
        ("line 28, column 8: pool.amount", "2000.00 USD"),
        ("line 33, column 19: eligibility.countries #2", "'XX'"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "where", "expected"),
    [
        ("title: Spring wheel\n", "", "title", "nothing; a value"),
        ("title: Spring wheel", "titel: Spring wheel", "titel", "a field that is not known here; the field title"),
        ("title: Spring wheel", "title: [a]", "title", "a list of 1; text"),
        ("title: Spring wheel", "title:", "title", "nothing; text"),
        ("2027-04-01 00:00:00", "2027-02-01 00:00:00", "window", "-02-01 00:00:00; a time after it opens"),
        ("opens: 2027-03-01", "opens: 2027-03-41", "window.opens", "; a date and time as 2027-03-01T00:00:00"),
        ("opens: 2027-03-01 00:00:00", "opens: 2027-03-14 02:30:00", "window.opens", "skip"),
        ("America/New_York", "America", "window.time_zone", "IANA"),
        ('amount: "2000.00"', "amount: 1999.99", "pool.amount", "40 moments x 50.00 = 2000.00 USD"),
        ('cap: "50.00"', "cap: 50.001", "prizes #1.cap", "at most 2 decimals"),
        ('cap: "50.00"', "cap: NaN", "prizes #1.cap", "; a finite number"),
        ('cap: "50.00"', "cap: 0", "prizes #1.cap", "'0'; more than 0"),
        ('minimum_spend: "10.00"', "minimum_spend: 0.005", "criteria.all #2.minimum_spend", "at most 2 decimals"),
        ("currency: USD", "currency: EUR", "retailers #1", "corner-shop sells in USD"),
        ("currency: USD", "currency: XXX", "pool.currency", "ISO 4217"),
        ("2027-05-31", "2027-04-15", "reveal_by", "after the last play can happen, 2027-04-15T04:00:00+00:00"),
        ("T00:00:00Z", "T00:00:00", "reveal_by", "; a time zone too, as in 2027-03-01T00:00:00Z"),
        ("share: 0.10", "share: 1", "control.share", "less than 1"),
        ("mode: invitation", "mode: email", "control.mode", "'email'; 'invitation' or 'banner'"),
        ("per_shopper: 3", "per_shopper: 0", "limits.per_shopper", "'0'; at least 1"),
        ("      minimum_quantity: 2\n", "", "criteria.all #1", "a minimum or maximum"),
        (
            "minimum_quantity: 2", "minimum_quantity: 2\n      maximum_quantity: 1",
            "criteria.all #1.maximum_quantity", "at least the minimum_quantity, 2",
        ),
        (
            "{brands: [National], categories: [YOGURT]}\n      minimum_quantity: 2",
            "{products: [1, 2]}\n      minimum_distinct_products: 3",
            "criteria.all #1.minimum_distinct_products", "at most the 2 products",
        ),
        ("  excluded_categories: [alcohol, tobacco, infant formula, medicines, gambling]\n", "",
         "eligibility.excluded_categories", "nothing; a value"),
        ("https://rules", "http://rules", "eligibility.rules_url", "; an address that begins with https://"),
        ("[corner-shop]", "[]", "retailers", "a list of 0; at least 1 item"),
        ("[US]", "[us]", "eligibility.countries #1", "'us'; two capital letters, as in US"),
        ("moments: 40", "moments: many", "prizes #1.moments", "'many'; a whole number"),
        ("campaign: spring-wheel", "campaign: ../x", "campaign", "'../x'; 2 to 60 of a-z, 0-9 and -, a letter first"),
    ],
)  # fmt: skip
def test_a_fault_says_where_it_is_and_what_was_expected(
    before: str, after: str, where: str, expected: str, campaign_text: str, retailers: Known
) -> None:
    problems = faults(changed(campaign_text, (before, after)), retailers)
    (problem,) = [each for each in problems if each.where.endswith(f": {where}")]
    assert expected in f"{problem.found}; {problem.expected}"


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ("share: 0.10", "share: 0", "control.share"),
        ("share: 0.10", "share: 0.9", "control.share"),
        ("{per_shopper: 3, per_campaign: 5000}", "{}", "limits"),
        ("minimum_age: 18", "minimum_age: 16", "eligibility.minimum_age"),
        ("[alcohol, ", "[", "eligibility.excluded_categories"),
        ("[gift_card, meal_voucher, points, prize]", "[]", "exclude.tenders"),
        ("[US]", "[FR]", "retailers #1"),
        ("opens: 2027-03-01 00:00:00", "opens: 2026-11-01 01:30:00", "window.opens"),
    ],
)
def test_what_is_legal_but_unwise_is_a_warning(
    before: str, after: str, where: str, campaign_text: str, retailers: Known
) -> None:
    warnings = accepted(changed(campaign_text, (before, after)), retailers).warnings
    assert f": {where}" in "".join(warning.where for warning in warnings)


def test_a_campaign_that_asks_for_nothing_is_warned_about(campaign_text: str, retailers: Known) -> None:
    head, _, rest = campaign_text.partition("criteria:")
    tail = rest.partition("exclude:")[2]
    warnings = accepted(f"{head}criteria: {{}}\nexclude:{tail}", retailers).warnings
    assert "every basket qualifies" in "".join(warning.says for warning in warnings)


def test_values_are_what_is_written_not_what_yaml_makes_of_them(campaign_text: str, retailers: Known) -> None:
    text = changed(campaign_text, ("brands: [National]", "products: [001, 1_0, 0x1F, NO, 12:30, 1e3]"))
    selection = accepted(text, retailers).campaign.criteria.all[0].of
    assert selection.products == ("001", "1_0", "0x1F", "NO", "12:30", "1e3")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "nothing"),
        ("- a\n- b", "a list"),
        ("only words", "a single value"),
        (b"title: \xff", "byte 0xff"),
        ("title: \x07", "character"),
        ("title: \ud800", "half a surrogate pair"),
        ("title: [1", "a list that is not closed"),
        ("a: b: c", "a colon that cannot stand here"),
        ("a: 1\n---\nb: 2", "a second document"),
        ("a: {b", "a map that is not closed"),
        ('a: "b', "quotes that are not closed"),
        (r'a: "\q"', "a backslash that means nothing"),
        ("a: @b", "a character that begins no value"),
        ("a: 1\n\tb: 2", "a tab"),
        ("- a\nb: 1", "a line that does not continue the list above"),
        ("a:\n  - 1\n b: 2", "a line that does not continue the map above"),
        ("%x", "text that is not YAML"),
        ("a: &x [1, 2]\nb: *x", "the alias *x"),
        ("a: !!python/object/apply:os.system [ls]", "the tag 'tag:yaml.org,2002:python/object/apply:os.system'"),
        ("[" * 10_000, "values nested deeper than 16"),
        ("a: 1\na: 2", "'a' a second time"),
        ("? [a]\n: 1", "a list as a field name"),
        ("x" * 10_000_000, "10000000 bytes"),
    ],
)
def test_hostile_text_is_one_clear_fault(text: str | bytes, found: str, retailers: Known) -> None:
    first = faults(text, retailers)[0]
    assert found in first.found
    assert first.where.startswith("line ")


def test_a_slip_in_a_fields_name_is_one_fault_that_names_the_field(campaign_text: str, retailers: Known) -> None:
    (problem,) = faults(changed(campaign_text, ("title: Spring", "titel: Spring")), retailers)
    assert problem == Problem("line 2, column 1: titel", "a field that is not known here", "the field title")


def test_no_fault_tells_a_terminal_what_to_do(campaign_text: str, retailers: Known) -> None:
    text = campaign_text.replace("title: Spring wheel", r'title: "\e[31mred"') + '"\\e]0;mine\\a": 1\n'
    problems = check(text, retailers)
    assert isinstance(problems, list)
    assert len(problems) == 2
    assert all(part.isprintable() for problem in problems for part in (problem.where, problem.found, problem.expected))


def test_not_more_faults_are_named_than_anybody_reads(retailers: Known) -> None:
    assert len(faults("a: 1\n" * 10_000, retailers)) == 200


def test_a_thousandfold_alias_is_refused_before_it_is_read(retailers: Known) -> None:
    layers = [f"l{n}: &l{n} [{', '.join(f'*l{n - 1}' for _ in range(9))}]" for n in range(1, 9)]
    (problem,) = faults("\n".join(["l0: &l0 [lol]", *layers]), retailers)
    assert problem == Problem("line 2, column 10", "the alias *l0", "every value written out")


@given(text=st.text() | st.binary())
def test_no_text_at_all_breaks_the_check(text: str | bytes, retailers: Known) -> None:
    assert faults(text, retailers)


@given(data=st.data())
def test_a_damaged_file_is_refused_or_accepted_but_never_breaks_the_check(
    data: st.DataObject, campaign_text: str, retailers: Known
) -> None:
    start = data.draw(st.integers(0, len(campaign_text)))
    stop = data.draw(st.integers(start, min(start + 12, len(campaign_text))))
    put = data.draw(st.text(alphabet="{}[]:,-&*!|>'\"%@` \n\tab019.", max_size=6))
    damaged = campaign_text[:start] + put + campaign_text[stop:]
    assert isinstance(check(damaged, retailers), CheckedCampaign | list)
