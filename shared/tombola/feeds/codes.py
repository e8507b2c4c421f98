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
        "file",
        "The bytes are those of another encoding than the dialect states.",
        "Send the stated encoding, or state the one that is sent.",
    ),
    "undecodable": Code(
        "file",
        "Bytes that mean nothing in the dialect's encoding; UTF-8 where it states none.",
        "Export the file in the dialect's encoding, or state the one that is sent.",
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
    "wrong-format": Code(
        "file",
        "The file is of another format than the dialect states, or of one that is not read here.",
        "State the format that is sent; an old workbook (XLS) is saved as XLSX.",
    ),
    "format-broken": Code(
        "file",
        "The Parquet file or the workbook is damaged, cut off or protected.",
        "Export the file again.",
    ),
    "nested-columns": Code(
        "file",
        "Columns that the contract needs hold lists, objects or bytes.",
        "Write one plain value into each cell.",
    ),
    "too-many-columns": Code(
        "file",
        "Over 10,000 columns.",
        "Send the columns that the contract names.",
    ),
    "workbook-too-large": Code(
        "file",
        "A workbook of over 4 million cells, or of over 256 MiB unpacked: workbooks cannot be read as a stream.",
        "Send delimited text, or Parquet.",
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
    "ambiguous-date": Code(
        "row",
        "A date whose day and month look alike, in a dialect that states no format.",
        "State `datetime_formats` in the dialect; which comes first is never guessed.",
    ),
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
    "not-json": Code(
        "row",
        "A line of JSON Lines that is not one JSON object with each key once.",
        "Write one object on each line.",
    ),
    "nested-value": Code(
        "row",
        "A list or an object where a plain value is expected.",
        "Write a text, a number, true, false or null.",
    ),
    "key-conflict": Code(
        "row",
        "An earlier row of this file has the same key and other values.",
        "Send each key once; send a newer version in a later file.",
    ),
    "not-a-gtin": Code(
        "row",
        "Not the 8, 12, 13 or 14 digits of a GTIN.",
        "Write digits only, with the leading zeros; leave it empty if the article has none.",
    ),
    "gtin-check-digit": Code(
        "row",
        "The last digit of the GTIN is not the one that the others give.",
        "Copy the GTIN from its source again: a digit is wrong or two are exchanged. The message names the last digit "
        "that would fit the others.",
    ),
    "unknown-action": Code("row", "Not an action that is known here.", "Write one of those that the message lists."),
    "needed-by-action": Code("row", "A field is empty that this action needs.", "Fill it in, or send another action."),
    "page-with-query": Code(
        "row", "A page with its query, which can name a person.", "Cut the address off at the question mark."
    ),
    "discount-out-of-proportion": Code(
        "row",
        "The discount is over 10,000 times the value that is left.",
        "Check the columns and their units: one of the two is another number.",
    ),
    "line-missing": Code(
        "row", "A return that names no line and cancels no order.", "Name the line, or set `cancelled`."
    ),
    "returns-nothing": Code(
        "row", "A return of a line with neither a quantity nor a value.", "Say what came back or was cancelled."
    ),
    "returned-exceeds-bought": Code(
        "row", "More units came back than were bought.", "Check both; send a return once, and not its running total."
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
    "discount-dwarfs-value": Code(
        "warning",
        "The discount is over 20 times the value that is left.",
        "Check that both are in one unit, and that `value` is what was left.",
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
