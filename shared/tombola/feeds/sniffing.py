"""Find out how a file is written, from its first bytes. Pure: bytes in, findings with their evidence out.

At intake only what cannot change a value is found out: encodings that are told by a mark, by zero bytes or by being
strict UTF-8, and delimiter and quote by the header alone, which every part of a file bears.
"""

import codecs
import csv
import re
from collections.abc import Collection
from typing import NamedTuple

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
DELIMITERS = (",", ";", "\t", "|", "^", "~", "\x1f", "\x01")
QUOTES = ('"', "'")
ONE_BYTE = frozenset({"cp1252", "iso-8859-15"})
_HEADER = 256
_ZEROS = 0.05
"""The least share of zero bytes at the beginning of UTF-16: the delimiters of the header alone have as many."""
_LOPSIDED = 10
_ENOUGH = 3
"""Characters beyond ASCII; one or two may look like UTF-8 by chance."""
_CONTROLS = bytes(range(0x80, 0xA0))


def encoding_of(data: bytes) -> tuple[str, str]:
    """Return how the first bytes of a file are encoded, and what shows it. A proposal: one byte tells little."""
    if mark := marked(data)[1]:
        return mark, "by its byte order mark"
    if wide := utf_16(data):
        return wide, "by its zero bytes"
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(data)
    except UnicodeDecodeError:
        if len(data.translate(None, _CONTROLS)) != len(data):
            return "cp1252", "it is no UTF-8, and has bytes from 80 to 9F, which are no text in ISO-8859-15"
        if re.search(rb"[0-9] ?\xa4|\xa4 ?[0-9]", data):
            return "iso-8859-15", "it is no UTF-8, and A4, the euro sign of ISO-8859-15, stands beside digits"
        return "cp1252", "it is no UTF-8; nothing in it tells cp1252 from ISO-8859-15"
    return "utf-8", "all of it is ASCII" if data.isascii() else "its bytes beyond ASCII are all UTF-8"


class Structure(NamedTuple):
    """How the records of a delimited file are written."""

    delimiter: str
    quote: str


def marked(data: bytes) -> tuple[bytes, str]:
    """Return the byte order mark that a file begins with, and the encoding it means; both empty without one."""
    return next(((mark, name) for mark, name in MARKS if data.startswith(mark)), (b"", ""))


def utf_16(data: bytes) -> str:
    """Return the UTF-16 whose zero bytes a file without a mark has; empty if it has not."""
    first = data[:_HEADER]
    even, odd = first[::2].count(0), first[1::2].count(0)
    if even + odd < max(_ZEROS * len(first), 2) or max(even, odd) < _LOPSIDED * min(even, odd):
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def is_utf_8(data: bytes) -> bool:
    """Tell whether bytes beyond ASCII are all UTF-8, and enough to be sure. The last character may be cut off."""
    try:
        text = codecs.getincrementaldecoder("utf-8")("strict").decode(data)
    except UnicodeDecodeError:
        return False
    return len(text) - len(text.encode("ascii", "ignore")) >= _ENOUGH


def contradiction(data: bytes, encoding: str) -> str:
    """Return which encoding the first bytes of a file without a mark show, if it is surely not this one."""
    found = utf_16(data)
    if encoding in {"utf-16", found}:
        return "" if b"\0" in data or not data else "no UTF-16"
    return found if found or not encoding.startswith("utf-16") or not data else "no UTF-16"


def one_byte_contradiction(data: bytes, encoding: str) -> str:
    """Return which encoding bytes beyond ASCII show, if it is surely not this encoding of one byte a character.

    Nobody ever wrote in one where all of them are UTF-8. cp1252 that is read as ISO-8859-15 shows by the bytes
    between 80 and 9F; the other way round nothing shows it.
    """
    if is_utf_8(data):
        return "utf-8"
    return "cp1252" if encoding == "iso-8859-15" and len(data.translate(None, _CONTROLS)) != len(data) else ""


def structure(line: str, names: Collection[str]) -> Structure:
    """Return how a header line is delimited and quoted: so that most of the expected names stand alone in it.

    A name stands alone between two delimiters under one delimiter only, so a wrong guess finds no header, and
    never another value.
    """
    found = [
        (_score(line, delimiter, quote, names), Structure(delimiter, quote))
        for quote in QUOTES
        for delimiter in DELIMITERS
    ]
    return max(found, key=lambda one: one[0])[1]  # the first of equals


def _score(line: str, delimiter: str, quote: str, names: Collection[str]) -> tuple[int, int]:
    try:
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, quotechar=quote), [])]
    except csv.Error:
        return 0, 0
    return len(set(cells) & set(names)), len(cells)
