"""A contract as a table that people read."""

from collections.abc import Iterable, Iterator, Sequence

from tombola.errors import Malformed, Problem
from tombola.feeds.contracts import KINDS, Row, contract, needed, reading, unit
from tombola.feeds.events import FeedKind
from tombola.feeds.rules import Odd, Wrong

BEGIN, END = "<!-- contracts: begin (made by `tombola contract --all --into FILE`) -->", "<!-- contracts: end -->"
HOLDS = {
    "text": "text",
    "whole": "whole number",
    "amount": "amount",
    "instant": "instant",
    "yes_no": "yes or no",
}
HEAD = ("| field | holds | required | example | meaning |", "|---|---|---|---|---|")


def markdown(kind: FeedKind) -> str:
    """Return the section of one feed: its fields, and the rules across them."""
    row = contract(kind)
    key = ", ".join(f"`{field}`" for field in row.KEY)
    lines = [
        f"### `{kind}`",
        "",
        f"{row.__doc__} Key: {key}.",
        "",
        *HEAD,
        *(_line(row, name) for name in row.model_fields),
    ]
    return "\n".join([*lines, *_rules("Refused", row.WRONG), *_rules("Accepted with a warning", row.ODD)]) + "\n"


def all_in(page: str) -> str:
    """Return a page with the sections of all feeds between its two marks. Raises `Malformed` without them."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        msg = "the page has no place for the contracts"
        raise Malformed(msg, [Problem("page", "no such marks", f"the lines {BEGIN!r} and {END!r}")])
    return "\n\n".join([head + begin, *(markdown(kind).rstrip() for kind in KINDS), end + tail])


def _line(row: type[Row], name: str) -> str:
    info = row.model_fields[name]
    how = HOLDS[reading(row, name)]
    counts = unit(row, name)
    holds = f"{how}: {counts}" if counts else how
    required = "yes" if needed(row, name) else "no"
    return f"| `{name}` | {holds} | {required} | `{(info.examples or [''])[0]}` | {info.description} |"


def _rules(title: str, rules: Sequence[Odd] | Sequence[Wrong]) -> Iterator[str]:
    codes = dict.fromkeys(rule.code for rule in rules)
    if codes:
        yield ""
        yield f"{title}, across its fields: {_listed(codes)}."


def _listed(codes: Iterable[str]) -> str:
    return ", ".join(f"[`{code}`](feed-errors.md#{code})" for code in codes)
