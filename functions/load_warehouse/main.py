"""Called every five minutes: brings new files into the warehouse, within its limit of load jobs a day."""

from tombola.feeds import usecases
from tombola.runtime import on_schedule, ports


@on_schedule
def load_warehouse() -> None:
    """Load what receipts name and the warehouse does not hold; nothing else is ever read."""
    usecases.load_warehouse(ports())
