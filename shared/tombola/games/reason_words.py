"""What a shopper is told for every reason, in English and French. What a basket lacks is said better by its trace."""

from collections.abc import Mapping

from tombola.campaigns.shopper_words import Words

ENDED: Words = {"en": "The game is over.", "fr": "Le jeu est terminé."}
LIMIT: Words = {
    "en": "You have taken part as often as the rules allow.",
    "fr": "Vous avez participé autant de fois que le règlement le permet.",
}
ALL_GIVEN: Words = {
    "en": "All plays have been given out.",
    "fr": "Toutes les participations ont été distribuées.",
}
ACCOUNT: Words = {
    "en": "Only purchases with a customer account take part.",
    "fr": "Seuls les achats avec un compte client participent.",
}
WORDS: Mapping[str, Words] = {
    "qualifies": {"en": "You take part.", "fr": "Vous participez."},
    "criteria-not-met": {"en": "This basket does not take part.", "fr": "Ce panier ne participe pas."},
    "cancelled": {"en": "The order was cancelled.", "fr": "La commande a été annulée."},
    "not-in-campaign": {
        "en": "The game does not apply to this purchase.",
        "fr": "Le jeu ne concerne pas cet achat.",
    },
    "country": {"en": "The game is not open in this country.", "fr": "Le jeu n'est pas ouvert dans ce pays."},
    "not-invited": {"en": "The game is by invitation.", "fr": "Le jeu est sur invitation."},
    "no-shopper": ACCOUNT,
    "no-household": ACCOUNT,
    "not-first-order": {
        "en": "Only a first order takes part.",
        "fr": "Seule une première commande participe.",
    },
    "nothing-to-win": {
        "en": "Nothing in this basket counts towards a prize.",
        "fr": "Rien dans ce panier ne compte pour un gain.",
    },
    "too-late": ENDED,
    "erased": {
        "en": "No play can be given to this customer account.",
        "fr": "Aucune participation ne peut être donnée à ce compte client.",
    },
    "limit-reached": LIMIT,
    "household-limit-reached": {
        "en": "Your household has taken part as often as the rules allow.",
        "fr": "Votre foyer a participé autant de fois que le règlement le permet.",
    },
    "store-sold-out": {
        "en": "All plays of this store have been given out.",
        "fr": "Toutes les participations de ce magasin ont été distribuées.",
    },
    "day-sold-out": {
        "en": "All plays of this day have been given out.",
        "fr": "Toutes les participations de ce jour ont été distribuées.",
    },
    "week-sold-out": {
        "en": "All plays of this week have been given out.",
        "fr": "Toutes les participations de cette semaine ont été distribuées.",
    },
    "sold-out": ALL_GIVEN,
    "campaign-ended": ENDED,
    "no-free-entry": {
        "en": "The game takes no entries without a purchase.",
        "fr": "Le jeu n'accepte pas de participation sans achat.",
    },
    "expired": {"en": "The time to play is over.", "fr": "Le délai pour jouer est passé."},
    "played": {"en": "This play was played.", "fr": "Cette participation a été jouée."},
}
"""A sentence for every reason of `tombola.games.eligibility`."""
