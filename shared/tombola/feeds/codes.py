"""Every code a receipt can hold: what it means, and what the sender can do about it.

`docs/feed-errors.md` lists the same codes; a test holds the two together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Code:
    """`file`: the file is quarantined; `row`: the row is rejected; `warning`: it is accepted, and counted."""

    level: Literal["file", "row", "warning"]
    meaning: str
    fix: str


CODES: Mapping[str, Code] = {
    "empty-file": Code("file", "The file holds no header.", "Send a first line that names the columns."),
    "missing-columns": Code(
        "file", "Columns that the contract needs are not in the header.", "Add them, or name them in the dialect."
    ),
    "duplicate-columns": Code("file", "The header names a column twice.", "Give every column its own name."),
    "wrong-encoding": Code(
        "file", "The byte order mark is one of another encoding than the dialect's.", "Send the dialect's encoding."
    ),
    "undecodable": Code(
        "file", "Bytes that mean nothing in the dialect's encoding.", "Export the file in the dialect's encoding."
    ),
    "nul-bytes": Code("file", "The file holds NUL bytes.", "Export the file as text."),
    "record-too-long": Code(
        "file",
        "A record is over 1 MiB, or a field over 128 KiB; often a quote that is never closed.",
        "Close the quote, or shorten the field.",
    ),
    "unclosed-quote": Code("file", "The file ends inside a quoted field.", "Close the quote; the file may be cut off."),
    "packing-broken": Code(
        "file", "The packed data (gzip, zstd, zip) is damaged or cut off.", "Pack the file again and send it."
    ),
    "packing-bomb": Code(
        "file", "The packed data unpacks to over 200 times its size.", "Send the file as it is, or in parts."
    ),
    "packing-refused": Code(
        "file",
        "A zip that does not hold exactly one file without path and password, stored or deflated.",
        "Send one file a zip, or another packing.",
    ),
    "split-this-file": Code(
        "file", "The file is too large to be judged in the time there is.", "Split it into parts, each with the header."
    ),
    "missing": Code("row", "A required field is empty.", "Fill it in."),
    "not-a-number": Code("row", "Not a number in the dialect's notation.", "Write it in the dialect's notation."),
    "not-whole": Code("row", "A fraction where a whole number is expected.", "Count in the smallest unit sold."),
    "negative": Code("row", "A number below zero.", "Send returns and refunds in the feed `returns`."),
    "too-large": Code("row", "A number beyond what any order holds.", "Check the column and the unit."),
    "too-many-decimals": Code("row", "More decimals than the currency has.", "Round at the source, once."),
    "not-a-time": Code("row", "Not an instant in the dialect's format.", "Write it in the dialect's format."),
    "in-the-future": Code(
        "row", "An instant over an hour after the file arrived.", "Check the clock, the time zone and the century."
    ),
    "local-time-skipped": Code(
        "row", "A local time that the clock skips when summer time begins.", "Send UTC, or the time with its offset."
    ),
    "local-time-shown-twice": Code(
        "row",
        "A local time that the clock shows twice, in a dialect that refuses to guess.",
        "Send UTC, or the time with its offset.",
    ),
    "unknown-currency": Code("row", "Not a currency of ISO 4217 that is known here.", "Send the three-letter code."),
    "not-yes-or-no": Code("row", "Neither yes nor no.", "Write yes, no, y, n, true, false, 1 or 0."),
    "too-long": Code("row", "A text over 200 characters.", "Shorten it."),
    "control-character": Code(
        "row", "A text with a line break, a tab or another control character in it.", "Remove the character."
    ),
    "wrong-field-count": Code(
        "row", "More or fewer fields than the header has.", "Quote the fields that hold the delimiter."
    ),
    "broken-quoting": Code("row", "A quote in a place where none may be.", "Double the quotes inside quoted fields."),
    "key-conflict": Code(
        "row",
        "An earlier row of this file has the same key and other values.",
        "Send each key once; send a newer version in a later file.",
    ),
    "line-missing": Code(
        "row", "A return that names no line and cancels no order.", "Name the line, or set `cancelled`."
    ),
    "quantity-zero": Code(
        "warning", "Quantity 0: a line that holds a coupon only, or was voided.", "Nothing, if that is what it is."
    ),
    "value-zero": Code(
        "warning", "Value 0 with a quantity: a gift, or the price is missing.", "Check that nothing was charged."
    ),
    "coupon-exceeds-value": Code(
        "warning",
        "The coupon is larger than the line: it was for the whole basket, or more than the line cost.",
        "Nothing; the rest counts against the order's other lines.",
    ),
    "quantity-in-fine-units": Code(
        "warning",
        "Quantity over 1,000: weighed or metered goods, such as fuel in 1/1000 gallon.",
        "Nothing; do not count such products by quantity in campaigns.",
    ),
    "unknown-product": Code("warning", "The product is not in the catalogue (yet).", "Send it in the feed `products`."),
    "local-time-ambiguous": Code(
        "warning",
        "A local time that the clock shows twice; read as the dialect says.",
        "Send UTC, or the time with its offset.",
    ),
}
