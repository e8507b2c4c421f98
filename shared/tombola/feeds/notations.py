"""How numbers, times and nothing are commonly written, and which of these ways cells show."""

import re
from collections import Counter
from collections.abc import Sequence

NULL_WORDS = frozenset(
    {"NULL", "null", "Null", "N/A", "n/a", "NA", "\\N", "-", "--", "None", "none", "NaN", "nan", "#N/A", "(null)"}
)
_DATES = (
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"),
    *("%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%d%m%Y"),
)
_TIMES = ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", " %H:%M:%S.%f", "T%H:%M:%S", "%H%M%S")
DATETIME_FORMATS = ("iso", *(date + time for time in _TIMES for date in _DATES))
_COMMA, _POINT = re.compile(r"[+-]?[0-9]+,([0-9]{1,2}|[0-9]{4,})"), re.compile(r"[+-]?[0-9]+\.([0-9]{1,2}|[0-9]{4,})")
_GROUPED = re.compile(
    r"[+-]?[0-9]{1,3}(?P<group>[.,' \u00a0\u202f])[0-9]{3}(?:(?P=group)[0-9]{3})*(?P<mark>[.,])[0-9]*"
)
_GROUPS = re.compile(r"[+-]?[0-9]{1,3}(?P<group>[.,' \u00a0\u202f])[0-9]{3}(?:(?P=group)[0-9]{3})+")


def decimal_marks(cells: Sequence[str]) -> tuple[str, str, str]:
    """Return the decimal and the thousands mark that numbers show beyond doubt, and by which of them.

    Three digits behind a mark show nothing: they may be decimals or thousands.
    """
    shown: Counter[tuple[str, str]] = Counter()
    example: dict[tuple[str, str], str] = {}
    for cell in cells:
        marks = _marks_of(cell)
        if marks is not None:
            shown[marks] += 1
            example.setdefault(marks, cell)
    decimals = Counter({mark: sum(count for (one, _), count in shown.items() if one == mark) for mark in ".,"})
    if not shown or (decimals["."] and decimals[","]):
        return ".", "", ""
    mark = "," if decimals[","] else "."
    group = next((group for (_, group) in shown if group and group != mark), "")
    best = (mark, group) if (mark, group) in example else next(iter(example))
    return mark, group, f"{sum(shown.values())} numbers are written so, such as {example[best]}"


def _marks_of(cell: str) -> tuple[str, str] | None:
    """Return the decimal mark and the thousands mark of one number, as far as it shows any."""
    if (found := _GROUPED.fullmatch(cell)) and found["group"] != found["mark"]:
        return found["mark"], found["group"]
    if found := _GROUPS.fullmatch(cell):
        return {".": (",", "."), ",": (".", ",")}.get(found["group"])
    if _COMMA.fullmatch(cell):
        return ",", ""
    return (".", "") if _POINT.fullmatch(cell) else None
