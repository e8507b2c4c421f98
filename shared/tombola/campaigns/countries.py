"""What a campaign is reminded of per country. A reminder, no advice: everything is to be confirmed by counsel.

Kept short and dated on purpose: a country that is not here is refused, because nobody has looked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

AS_OF = date(2026, 11, 1)
TO_BE_CONFIRMED = f"to be confirmed by counsel; table as of {AS_OF.isoformat()}"


@dataclass(frozen=True, slots=True)
class Country:
    """The age from which a person usually contracts alone, and what to ask counsel about first.

    `free_entry`: whether a way to take part without buying may be asked for.
    """

    adult_age: int
    ask: str
    free_entry: bool = False


COUNTRIES: Mapping[str, Country] = {
    "CA": Country(
        19,
        "skill-testing question and entry without purchase (Criminal Code, s. 206); 18 in some provinces",
        free_entry=True,
    ),
    "DE": Country(18, "clear and complete conditions of taking part (UWG, s. 5a); age ratings"),
    "ES": Country(18, "tax on promotional prizes and, for some formats, prior notice"),
    "FR": Country(18, "conditions of fair practice for promotional lotteries (Code de la consommation, art. L121-20)"),
    "GB": Country(
        18,
        "no payment beyond the normal price (Gambling Act 2005, sch. 2); entry without purchase in NI",
        free_entry=True,
    ),
    "IE": Country(18, "no charge beyond the normal price (Gambling Regulation Act 2024)"),
    "IT": Country(18, "prior notice, security and an official at the draw (DPR 430/2001)"),
    "NL": Country(18, "code of conduct for promotional games of chance: number of draws and total value a year"),
    "PL": Country(18, "permit for promotional lotteries (Gambling Act of 2009)"),
    "US": Country(
        18,
        "entry without purchase; registration and bond by prize value in some states (such as NY, FL)",
        free_entry=True,
    ),
}
