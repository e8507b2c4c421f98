"""Called for every file that a retailer puts into the inbox."""

import uuid

from tombola.feeds import usecases
from tombola.ports.objects import ObjectRef
from tombola.runtime import ObjectNotice, on_object, ports

SECONDS = 540
"""As the manifest says; a test holds the two together."""


@on_object
def validate_feed(notice: ObjectNotice) -> None:
    """Judge the file and tell the others; called again for the same file, tell them the same again."""
    ref = ObjectRef(notice.bucket, notice.name, notice.generation)
    usecases.validate_feed(ports(), ref, attempt=uuid.uuid4().hex, seconds=SECONDS)
