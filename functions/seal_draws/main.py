"""Called every hour: seals the draws of every campaign whose keys are not revealed yet."""

from tombola.fairness import usecases
from tombola.runtime import on_schedule, ports


@on_schedule
def seal_draws() -> None:
    """Seal what is new; what is sealed stays as it is."""
    usecases.seal_draws(ports())
