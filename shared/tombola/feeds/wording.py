"""What a receipt says in words, for pages and terminals."""

from tombola.feeds.receipts import Receipt


def sentence(receipt: Receipt) -> str:
    """Return what happened to the file, in one sentence."""
    counts = f"Of {_number(receipt.rows, 'row')}, {receipt.accepted:,} accepted, {receipt.rejected:,} rejected, "
    counts += f"{receipt.duplicates:,} sent twice"
    if receipt.verdict == "accepted":
        return f"The file was taken. {counts}."
    if receipt.verdict == "partial":
        return f"The file was taken, except for rejected rows. {counts}."
    return f"Nothing of the file was taken. {counts}; {_reason(receipt)}."


def places(lines: list[int | None], shown: int = 5) -> str:
    """Return the first lines of examples, such as `lines 2, 7, 9`; empty when none is known."""
    known = list(dict.fromkeys(line for line in lines if line is not None))
    if not known:
        return ""
    more = ", …" if len(known) > shown else ""
    return f"line{'s' if len(known) > 1 else ''} {', '.join(f'{line}' for line in known[:shown])}{more}"


def _reason(receipt: Receipt) -> str:
    if receipt.unreadable:
        return "the file cannot be read to its end, and the counts are of the rows before"
    return "too large a share was rejected"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
