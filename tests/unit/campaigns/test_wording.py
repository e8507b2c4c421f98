from collections.abc import Callable

import pytest

from tombola.campaigns import shopper_words
from tombola.campaigns.baskets import Basket
from tombola.campaigns.changes import Change, Step
from tombola.campaigns.criteria import evaluate
from tombola.campaigns.model import Campaign
from tombola.campaigns.selecting import Selection
from tombola.campaigns.wording import Language, banner, explain, reasons, say

Build = Callable[..., Basket]
BuildCampaign = Callable[..., Campaign]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "To take part: add 1 unit of National, YOGURT, for at least 7.00 USD."),
        ("fr", "Pour participer : ajoutez 1 unité de National, YOGURT, pour au moins 7,00 USD."),
    ],
)
def test_a_shopper_reads_what_is_missing(language: Language, expected: str, basket: Build, campaign: Campaign) -> None:
    assert explain(evaluate(campaign, basket(("plain", 1, 300))), "USD", language) == (expected,)


def test_a_shopper_reads_that_the_basket_takes_part(basket: Build, campaign: Campaign) -> None:
    trace = evaluate(campaign, basket(("plain", 2, 1200)))
    assert explain(trace, "USD") == ("Your basket takes part.",)
    assert explain(trace, "USD", "fr") == ("Votre panier participe.",)


def test_a_shopper_reads_that_nothing_would_do(basket: Build, campaign_with: BuildCampaign) -> None:
    named = {"of": {"products": ["plain"]}, "minimum_distinct_products": 2}
    trace = evaluate(campaign_with(criteria={"all": [named]}), basket())
    assert explain(trace, "USD") == ("Nothing added to this basket or taken out lets it take part.",)
    assert explain(trace, "USD", "fr") == ("Aucun ajout ni retrait ne permet à ce panier de participer.",)


def test_what_was_not_proven_is_not_said_to_be_impossible() -> None:
    unknown = Change(possible=False, is_proven=False)
    assert say(unknown, "USD") == "This basket does not take part, and no change was found that would do."
    assert say(unknown, "USD", "fr") == "Ce panier ne participe pas, et aucun changement suffisant n'a été trouvé."


def test_a_shopper_reads_what_to_take_out_first(basket: Build, campaign: Campaign) -> None:
    trace = evaluate(campaign, basket(("plain", 2, 1300), ("card", 1, 100)))
    assert explain(trace, "USD") == ("To take part: take out 1 unit of card.",)
    assert explain(trace, "USD", "fr") == ("Pour participer : retirez 1 unité de card.",)


@pytest.mark.parametrize(
    ("step", "english", "french"),
    [
        (Step("add", 2), "add 2 units of any product", "ajoutez 2 unités de n'importe quel produit"),
        (
            Step("add", 2, of=(Selection(brands=("A", "B")),), but_not=(Selection(sizes=("1 L",)),), products=1),
            "add 2 units of A or B (but not 1 L), with at least 1 product that is not in the basket yet",
            "ajoutez 2 unités de A ou B (mais pas 1 L), avec au moins 1 produit qui n'est pas encore dans le panier",
        ),
        (
            Step("add", 3, 100, most_minor=250, most_products=2),
            (
                "add 3 units of any product, with at most 2 different products that are not in the basket yet, "
                "for 1.00 USD to 2.50 USD"
            ),
            (
                "ajoutez 3 unités de n'importe quel produit, avec au plus 2 produits différents qui ne sont pas encore "
                "dans le panier, pour 1,00 USD à 2,50 USD"
            ),
        ),
        (
            Step("add", 1, most_minor=250, most_products=0),
            "add 1 unit of any product, of what is in the basket already, for at most 2.50 USD",
            "ajoutez 1 unité de n'importe quel produit, de ce qui est déjà dans le panier, pour au plus 2,50 USD",
        ),
        (
            Step("take_out", 3, line_id="1", product_id="p-1", product_name="Red wine"),
            "take out 3 units of Red wine",
            "retirez 3 unités de Red wine",
        ),
    ],
)
def test_every_kind_of_step_has_words_in_both_languages(step: Step, english: str, french: str) -> None:
    assert say(Change((step,)), "USD") == f"To take part: {english}."
    assert say(Change((step,)), "USD", "fr") == f"Pour participer : {french}."


def test_every_bound_says_what_it_asks_and_what_was_found(basket: Build, campaign_with: BuildCampaign) -> None:
    of = {"of": {"brands": ["National"]}}
    bundle = [{"of": {"brands": ["Private"]}, "quantity": 2}, {"of": {"categories": ["YOGURT"]}}]
    campaign = campaign_with(
        criteria={
            "all": [
                of | {"minimum_quantity": 3, "maximum_spend": "1.00", "minimum_distinct_products": 1},
                {"maximum_quantity": 1, "minimum_spend": "9.00"},
                {"bundle": bundle, "minimum_bundles": 1},
            ],
            "none": [of | {"minimum_quantity": 1}],
        }
    )
    trace = evaluate(campaign, basket(("plain", 2, 300)))
    assert reasons(trace, campaign) == (
        "at least 3 units of National; found: 2",
        "at most 1.00 USD spent on National; found: 3.00 USD",
        "at most 1 unit of any product; found: 2",
        "at least 9.00 USD spent on any product; found: 3.00 USD",
        "at least 1 set of Private + YOGURT; found: 0",
        "not allowed: at least 1 unit of National; found: 2",
    )
    assert reasons(trace, campaign, "fr") == (
        "au moins 3 unités de National ; trouvé : 2",
        "au plus 1,00 USD d'achats de National ; trouvé : 3,00 USD",
        "au plus 1 unité de n'importe quel produit ; trouvé : 2",
        "au moins 9,00 USD d'achats de n'importe quel produit ; trouvé : 3,00 USD",
        "au moins 1 lot de Private + YOGURT ; trouvé : 0",
        "non admis : au moins 1 unité de National ; trouvé : 2",
    )


def test_nothing_is_singular_in_french_and_plural_in_english() -> None:
    assert [shopper_words.singular(number, "en") for number in range(3)] == [False, True, False]
    assert [shopper_words.singular(number, "fr") for number in range(3)] == [True, True, False]


def test_a_banner_says_what_can_be_won(campaign: Campaign, campaign_with: BuildCampaign) -> None:
    assert banner(campaign) == "Spring wheel. Win the value of your basket, up to 50.00 USD."
    fixed = campaign_with(prizes=[{"name": "note", "kind": "fixed", "amount": "20", "moments": 40}])
    assert banner(fixed, "fr") == "Spring wheel. Gagnez 20,00 USD."
