"""Called for every validated file, and again until all of it is passed on: what files of shoppers state."""

from tombola.feeds import usecases
from tombola.feeds.events import FeedValidated
from tombola.runtime import Delivery, on_event, ports


@on_event(FeedValidated)
def publish_shoppers(event: FeedValidated, _delivery: Delivery) -> None:
    """Publish one slice with ids that come from the receipt, so that a second delivery says nothing new."""
    usecases.publish_shoppers(ports(), event)
