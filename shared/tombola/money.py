"""Money: whole numbers of the minor unit inside, decimals at the edges, never float."""

from decimal import Decimal

EXPONENTS = {
    **dict.fromkeys(
        ("AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "INR", "MAD", "MXN",
         "NOK", "NZD", "PLN", "RON", "SEK", "SGD", "THB", "TRY", "USD", "ZAR"), 2),
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "VND", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), 3),
}  # fmt: skip
"""Digits after the decimal mark, by ISO 4217 (list one, amendment 176)."""


def exponent(currency: str) -> int:
    """Return the currency's number of decimals. Raises `ValueError` for a currency not listed."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        msg = f"currency {currency!r}; expected one of {', '.join(sorted(EXPONENTS))}"
        raise ValueError(msg) from None


def minor_units(amount: Decimal, currency: str) -> int:
    """Return an exact amount in minor units.

    Raises `ValueError` when the amount has more decimals than the currency, or is not a number.
    """
    if not amount.is_finite():
        msg = f"amount {amount}; expected a finite number"
        raise ValueError(msg)
    scaled = amount.scaleb(exponent(currency))
    if scaled != scaled.to_integral_value():
        msg = f"amount {amount} {currency}; expected at most {exponent(currency)} decimals"
        raise ValueError(msg)
    return int(scaled)


def major_units(minor: int, currency: str) -> Decimal:
    """Return minor units as a decimal with exactly the currency's decimals."""
    return Decimal(minor).scaleb(-exponent(currency))
