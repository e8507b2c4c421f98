"""Called every hour: settles the plays of every campaign that was ever launched, ended ones too."""

from tombola.runtime import on_schedule, ports
from tombola.settling import usecases


@on_schedule
def settle_plays() -> None:
    """Mature what is due and expire what is over; what was done before changes nothing."""
    usecases.settle_plays(ports())
