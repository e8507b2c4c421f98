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


def advice(receipt: Receipt) -> str:
    """Return what the sender can do now, in one or two sentences."""
    if receipt.verdict == "accepted":
        return "There is nothing to do."
    if receipt.unreadable:
        return "Mend the file as said below, and send the whole of it again."
    if receipt.verdict == "quarantined":
        return "Mend the rows as said below, and send the whole file again: also its good rows were not taken."
    return "Mend the rejected rows and send them alone, as a new file: together with what was taken they are the whole."


def visible(text: str) -> str:
    """Return text in which nothing can steer a terminal or hide in a page."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def _reason(receipt: Receipt) -> str:
    if receipt.unreadable:
        return "the file cannot be read to its end, and the counts are of the rows before"
    share, most = receipt.rejected / receipt.rows, receipt.quarantine_over
    return f"{share:.1%} of the rows were rejected, and over {most:.0%} none are taken"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
