"""A receipt as a page that a person can read: one file that fetches nothing and runs nothing."""

import json
from functools import cache
from typing import TYPE_CHECKING

from tombola.feeds.receipts import Receipt
from tombola.feeds.wording import advice, sentence, visible

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = "receipt.html.j2"


def render(receipt: Receipt) -> str:
    """Return the HTML page: of the receipt alone, so the same each time. Every text in it is escaped."""
    dialect = receipt.dialect.model_dump(mode="json")
    return _template().render(
        receipt=receipt,
        sentence=sentence(receipt),
        advice=advice(receipt),
        dialect=[(name, json.dumps(value, ensure_ascii=False)) for name, value in dialect.items()],
        number=lambda number: f"{number:,}",
    )


@cache
def _template() -> "Template":
    """Compile the template once: it takes longer than to judge a small file."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 (only a page needs it)

    environment = Environment(
        loader=PackageLoader("tombola.feeds"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = visible
    return environment.get_template(TEMPLATE)
