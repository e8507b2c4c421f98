"""What Tombola asks of the world: small protocols, their limits and their own errors.

A port, its adapters (`tombola.adapters.*`) and its contract suite (`tests/contract`) share one
file name. The limits stand here, so that every adapter refuses what the strictest would refuse.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a function imports the ports that it uses, and no other
    from tombola.ports.clock import Clock
    from tombola.ports.documents import Documents
    from tombola.ports.keys import Keys
    from tombola.ports.memo import Memo
    from tombola.ports.objects import Objects
    from tombola.ports.topics import Topics
    from tombola.ports.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class Ports:
    """Every collaborator a use case may be given. `tombola.runtime.wiring` builds it, once."""

    objects: "Objects"
    topics: "Topics"
    documents: "Documents"
    warehouse: "Warehouse"
    keys: "Keys"
    clock: "Clock"
    memo: "Memo"
