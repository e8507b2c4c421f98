"""The words that shoppers read, in English and French, each with its plural where it has one."""

from collections.abc import Mapping
from typing import Literal

Language = Literal["en", "fr"]
Words = Mapping[Language, str]
Counted = Mapping[Language, tuple[str, str]]
"""The singular and the plural."""

QUALIFIES: Words = {"en": "Your basket takes part.", "fr": "Votre panier participe."}
ANYTHING: Words = {"en": "any product", "fr": "n'importe quel produit"}
OR: Words = {"en": " or ", "fr": " ou "}
AND: Words = {"en": " and ", "fr": " et "}
BUT_NOT: Words = {"en": "{what} (but not {other})", "fr": "{what} (mais pas {other})"}
CHANGE: Words = {"en": "{aim}: {steps}.", "fr": "{aim} : {steps}."}
FIRST: Words = {"en": "To take part", "fr": "Pour participer"}
FURTHER: Words = {"en": "To play once more", "fr": "Pour jouer une fois de plus"}
IMPOSSIBLE: Words = {
    "en": "Nothing added to this basket or taken out lets it take part.",
    "fr": "Aucun ajout ni retrait ne permet à ce panier de participer.",
}
IMPOSSIBLE_FURTHER: Words = {
    "en": "Nothing added to this basket or taken out lets it play once more.",
    "fr": "Aucun ajout ni retrait ne permet à ce panier de jouer une fois de plus.",
}
NOT_FOUND: Words = {
    "en": "This basket does not take part, and no change was found that would do.",
    "fr": "Ce panier ne participe pas, et aucun changement suffisant n'a été trouvé.",
}
ADD: Counted = {
    "en": ("add {figure} unit of {what}", "add {figure} units of {what}"),
    "fr": ("ajoutez {figure} unité de {what}", "ajoutez {figure} unités de {what}"),
}
TAKE_OUT: Counted = {
    "en": ("take out {figure} unit of {what}", "take out {figure} units of {what}"),
    "fr": ("retirez {figure} unité de {what}", "retirez {figure} unités de {what}"),
}
AT_LEAST: Words = {"en": "for at least {money}", "fr": "pour au moins {money}"}
AT_MOST: Words = {"en": "for at most {money}", "fr": "pour au plus {money}"}
BETWEEN: Words = {"en": "for {money} to {most}", "fr": "pour {money} à {most}"}
NEW: Counted = {
    "en": (
        "{figure} product that is not in the basket yet",
        "{figure} different products that are not in the basket yet",
    ),
    "fr": (
        "{figure} produit qui n'est pas encore dans le panier",
        "{figure} produits différents qui ne sont pas encore dans le panier",
    ),
}
NEW_AT_LEAST: Words = {"en": "with at least {products}", "fr": "avec au moins {products}"}
NEW_AT_MOST: Words = {"en": "with at most {products}", "fr": "avec au plus {products}"}
NONE_NEW: Words = {"en": "of what is in the basket already", "fr": "de ce qui est déjà dans le panier"}
BOUND: Mapping[str, Counted] = {
    "minimum_quantity": {
        "en": ("at least {wanted} unit of {what}; found: {found}", "at least {wanted} units of {what}; found: {found}"),
        "fr": (
            "au moins {wanted} unité de {what} ; trouvé : {found}",
            "au moins {wanted} unités de {what} ; trouvé : {found}",
        ),
    },
    "maximum_quantity": {
        "en": ("at most {wanted} unit of {what}; found: {found}", "at most {wanted} units of {what}; found: {found}"),
        "fr": (
            "au plus {wanted} unité de {what} ; trouvé : {found}",
            "au plus {wanted} unités de {what} ; trouvé : {found}",
        ),
    },
    "minimum_spend": {
        "en": ("at least {wanted} spent on {what}; found: {found}",) * 2,
        "fr": ("au moins {wanted} d'achats de {what} ; trouvé : {found}",) * 2,
    },
    "maximum_spend": {
        "en": ("at most {wanted} spent on {what}; found: {found}",) * 2,
        "fr": ("au plus {wanted} d'achats de {what} ; trouvé : {found}",) * 2,
    },
    "minimum_distinct_products": {
        "en": (
            "at least {wanted} product of {what}; found: {found}",
            "at least {wanted} different products of {what}; found: {found}",
        ),
        "fr": (
            "au moins {wanted} produit de {what} ; trouvé : {found}",
            "au moins {wanted} produits différents de {what} ; trouvé : {found}",
        ),
    },
    "minimum_bundles": {
        "en": ("at least {wanted} set of {what}; found: {found}", "at least {wanted} sets of {what}; found: {found}"),
        "fr": (
            "au moins {wanted} lot de {what} ; trouvé : {found}",
            "au moins {wanted} lots de {what} ; trouvé : {found}",
        ),
    },
}
NOT_ALLOWED: Words = {"en": "not allowed: {bound}", "fr": "non admis : {bound}"}
PRIZE: Mapping[str, Words] = {
    "basket_value": {
        "en": "Win the value of your basket, up to {cap}.",
        "fr": "Gagnez la valeur de votre panier, jusqu'à {cap}.",
    },
    "fixed": {"en": "Win {cap}.", "fr": "Gagnez {cap}."},
    "coupon": {"en": "Win a coupon worth {cap}.", "fr": "Gagnez un bon d'une valeur de {cap}."},
    "physical": {"en": "Win {title}.", "fr": "Gagnez {title}."},
}


def singular(count: int, language: Language) -> bool:
    """Tell whether a count takes the singular: one alone in English, nothing and one in French."""
    return count == 1 or (language == "fr" and count == 0)
