"""Called for every validated file: merges what files of products state."""

from tombola.catalogue import usecases
from tombola.feeds.events import FeedValidated
from tombola.runtime import Delivery, on_event, ports


@on_event(FeedValidated)
def update_catalogue(event: FeedValidated, _delivery: Delivery) -> None:
    """Keep the newest statement per product; files may come in any order, and twice."""
    usecases.update_catalogue(ports(), event)
