"""Open a file of any format as records. Packing and format are told by the first bytes, never by a name."""

import io
from collections.abc import Mapping
from typing import IO

from tombola.feeds.first_bytes import OLD_WORKBOOK, PARQUET, ZIP
from tombola.feeds.json_lines import JsonLines
from tombola.feeds.measuring import Measured
from tombola.feeds.reading import Reader
from tombola.feeds.texts import READ_BYTES, Texts
from tombola.feeds.transcribing import DELIMITER, QUOTE, Records
from tombola.feeds.unpacking import Unpacked
from tombola.feeds.unusable import Unusable
from tombola.retailers.model import Dialect

_XLS = "a workbook of the old form (XLS)"
LARGEST_UNPACKED = 64 * 1024 * 1024
"""Bytes of a packed file that has to be held in memory, because it cannot be read from its beginning to its end."""


def open_records(
    source: Measured, dialect: Dialect, wanted: Mapping[str, bool] | None = None, piece: int = READ_BYTES
) -> Records:
    """Open a file; `wanted` are the columns that somebody will read, and whether none of their cells may be left out.

    Raises `Unusable` for a file without a header, of another format than stated, or of none.
    """
    unpacked = Unpacked(source)
    first = unpacked.peek(8)
    if first.startswith(PARQUET):
        return _parquet(source, unpacked, _found(dialect, "parquet"), wanted or {})
    if first.startswith(ZIP):
        from tombola.feeds.workbook import Workbook  # noqa: PLC0415 (only for such files)

        return Workbook(_whole(source, unpacked)[0], _found(dialect, "xlsx"), wanted or {})
    if first.startswith(OLD_WORKBOOK):
        raise _wrong_format(_XLS, "delimited text, JSON Lines, Parquet or XLSX")
    texts = Texts(unpacked, dialect, piece)
    stated = "format" in dialect.model_fields_set
    if dialect.format == "json-lines" if stated else texts.begins_with_object:
        return JsonLines(texts, _found(dialect, "json-lines", texts.codec), wanted or {})
    return Reader(texts, _found(dialect, "delimited", texts.codec), wanted or {})


def _parquet(source: Measured, unpacked: Unpacked, dialect: Dialect, wanted: Mapping[str, bool]) -> Records:
    from tombola.feeds.parquet import Parquet  # noqa: PLC0415 (only for such files)

    file, size = _whole(source, unpacked)
    return Parquet(file, size, dialect, wanted)


def _found(dialect: Dialect, form: str, codec: str = "") -> Dialect:
    """Return the dialect with what was found out. Raises `Unusable` where another format is stated."""
    if "format" in dialect.model_fields_set and dialect.format != form:
        raise _wrong_format(form, dialect.format)
    if dialect.header is not None and form in {"json-lines", "parquet"}:
        found = f"{form}, which names its columns itself"
        raise _wrong_format(found, "a file without them, for the dialect has a header")
    update: dict[str, object] = {"format": form}
    if codec and "encoding" not in dialect.model_fields_set and codec != "utf-8":
        update["encoding"] = codec
    if form != "delimited":
        update |= {"delimiter": DELIMITER, "quote": QUOTE}
    return dialect.model_copy(update=update)


def _wrong_format(found: str, expected: str) -> Unusable:
    return Unusable(f"the file is {found}; expected {expected}", code="wrong-format", value=found)


def _whole(source: Measured, unpacked: Unpacked) -> tuple[IO[bytes], int]:
    """Return a file that can be read here and there, and its size. What is packed has to fit into memory."""
    if unpacked.plain:
        aside = source.aside()
        return io.BufferedReader(aside), aside.size
    data = bytearray()
    while piece := unpacked.read(READ_BYTES):
        data += piece
        if len(data) > LARGEST_UNPACKED:
            message = f"unpacked it is over {LARGEST_UNPACKED:,} bytes; such files can only be read as they are"
            raise Unusable(message, code="packing-refused")
    return io.BytesIO(data), len(data)
