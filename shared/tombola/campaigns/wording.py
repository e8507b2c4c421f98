"""Words for a shopper: what a campaign asks, and what a basket still lacks. English and French."""

from collections.abc import Iterator, Mapping
from typing import Literal

from tombola.campaigns.criteria import Change, Trace
from tombola.campaigns.model import Campaign
from tombola.campaigns.selecting import Selection
from tombola.money import major_units

Language = Literal["en", "fr"]

QUALIFIES: Mapping[Language, str] = {"en": "Your basket takes part.", "fr": "Votre panier participe."}
ANYTHING: Mapping[Language, str] = {"en": "any product", "fr": "n'importe quel produit"}
OR: Mapping[Language, str] = {"en": " or ", "fr": " ou "}
CHANGES: Mapping[str, Mapping[Language, str]] = {
    "add_units": {"en": "{figure} more of {what}", "fr": "encore {figure} de {what}"},
    "add_products": {
        "en": "{figure} more different products of {what}",
        "fr": "encore {figure} produits différents de {what}",
    },
    "add_minor": {"en": "{figure} more of {what}", "fr": "encore {figure} de {what}"},
    "remove_units": {"en": "{figure} fewer of {what}", "fr": "{figure} de moins de {what}"},
    "remove_products": {
        "en": "{figure} fewer different products of {what}",
        "fr": "{figure} produits différents de moins de {what}",
    },
    "remove_minor": {"en": "{figure} less of {what}", "fr": "{figure} de moins de {what}"},
}
ADD: Mapping[Language, str] = {"en": "To take part: {changes}.", "fr": "Pour participer : {changes}."}
PRIZE: Mapping[str, Mapping[Language, str]] = {
    "basket_value": {
        "en": "Win the value of your basket, up to {cap}.",
        "fr": "Gagnez la valeur de votre panier, jusqu'à {cap}.",
    },
    "fixed": {"en": "Win {cap}.", "fr": "Gagnez {cap}."},
    "coupon": {"en": "Win a coupon worth {cap}.", "fr": "Gagnez un bon d'une valeur de {cap}."},
    "physical": {"en": "Win {title}.", "fr": "Gagnez {title}."},
}


def explain(trace: Trace, currency: str, language: Language = "en") -> tuple[str, ...]:
    """Return one sentence if the basket qualifies, else one per change that is still missing."""
    if trace.qualifies:
        return (QUALIFIES[language],)
    return tuple(_change(change, currency, language) for change in trace.missing)


def banner(campaign: Campaign, language: Language = "en") -> str:
    """Return the text of a campaign's banner: its title and the first prize, which the file names first."""
    prize = campaign.prizes[0]
    cap = _amount(campaign.worth_minor(prize), campaign.pool.currency, language)
    said = PRIZE[prize.kind][language].format(cap=cap, title=prize.title or prize.name)
    return f"{campaign.title}. {said}"


def _change(change: Change, currency: str, language: Language) -> str:
    what = _described(change.of, language)
    parts = [
        CHANGES[name][language].format(figure=figure, what=what)
        for name, figure in _figures(change, currency, language)
    ]
    return ADD[language].format(changes=", ".join(parts))


def _figures(change: Change, currency: str, language: Language) -> Iterator[tuple[str, int | str]]:
    for name in CHANGES:
        figure: int = getattr(change, name)
        if figure:
            yield name, _amount(figure, currency, language) if name.endswith("_minor") else figure


def _amount(minor: int, currency: str, language: Language) -> str:
    text = str(major_units(minor, currency))
    return f"{text.replace('.', ',') if language == 'fr' else text} {currency}"


def _described(selection: Selection, language: Language) -> str:
    """Name what a selection means, narrowest word first: brand, then category, then department, then products."""
    stated = (selection.brands, selection.categories, selection.departments, selection.products)
    parts = [OR[language].join(names) for names in stated if names]
    return ", ".join(parts) or ANYTHING[language]
