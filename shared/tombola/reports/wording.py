"""What the figures mean, in words a brand manager reads once. Pure."""

from tombola.experiments.analysis import TELLING_GROUP
from tombola.money import exponent, major_units
from tombola.reports.model import CampaignReport, Experiment

MINUS = "\N{MINUS SIGN}"
NO_BREAK = "\N{NO-BREAK SPACE}"


def money_text(minor: float, currency: str) -> str:
    """Return an amount as `USD 1,234.50`, rounded to whole minor units: the line never breaks inside."""
    amount = major_units(round(minor), currency)
    sign = MINUS if amount < 0 else ""
    return f"{sign}{currency}{NO_BREAK}{abs(amount):,.{exponent(currency)}f}"


def share_text(part: float, whole: float) -> str:
    """Return a share as `12.5%`, or a dash where there is no whole."""
    return f"{100 * part / whole:.1f}%" if whole else "\N{EN DASH}"


def signed_text(minor: float, currency: str) -> str:
    """Return an amount with its sign, `+USD 4.10`."""
    shown = money_text(minor, currency)
    return f"+{shown}" if round(minor) > 0 else shown


def verdict(experiment: Experiment) -> str:
    """Return the answer to "did it bring more than it would have sold anyway?" in a few words.

    Of a group too small to tell much it says how small, whatever the answer.
    """
    link = ", but " if experiment.decided and experiment.balanced else ": "
    return link.join([_answer(experiment), *_few(experiment)])


def _answer(experiment: Experiment) -> str:
    if experiment.undecided is not None or experiment.difference_minor is None:
        return "No answer"
    if not experiment.balanced:
        return "Not to be trusted"
    if not experiment.decided:
        return "Could be chance"
    return "More than chance" if experiment.difference_minor > 0 else "Less than without"


def _few(experiment: Experiment) -> list[str]:
    """Return what to say of small groups: nothing, or one text."""
    if experiment.undecided == "no-control":
        return []
    groups = (("control", experiment.control.shoppers), ("invited", experiment.invited.shoppers))
    small = [f"the {name} group has {_shoppers(count)}" for name, count in groups if count < TELLING_GROUP]
    return [", ".join(small)] if small else []


def _shoppers(count: int) -> str:
    if not count:
        return "no shoppers"
    return f"only {count} shopper" if count == 1 else f"only {count} shoppers"


_UNDECIDED = {
    "no-control": "This campaign had no control group, so nobody can say what it brought: shoppers who played also "
    "differ from the others in more than the game.",
    "too-few-shoppers": "A group has fewer than 2 shoppers, so no uncertainty can be stated, and without it a "
    "difference means nothing.",
    "no-spread": "All shoppers of each group spent exactly the same, so no uncertainty can be computed.",
}


def findings(report: CampaignReport) -> list[str]:
    """Return what the comparison of the groups says, one sentence each, the most important first."""
    found, currency = report.experiment, report.currency
    said = []
    if not found.balanced:
        said.append(
            "The groups are so uneven that the assignment must have failed somewhere; until that is found, do not "
            "rely on the figures below."
        )
    if found.undecided is not None:
        said.append(_UNDECIDED[found.undecided])
    if found.difference_minor is not None:
        said.append(_difference(found, currency))
    if found.interval is not None:
        said.append(_uncertainty(found, currency))
    said.extend(_prizes(found, currency))
    return said


def _difference(found: Experiment, currency: str) -> str:
    minor = found.difference_minor or 0.0
    more = "more" if minor >= 0 else "less"
    percent = f" ({abs(found.ratio - 1):.1%} {more})" if found.ratio is not None and found.ratio > 0 else ""
    return (
        f"Per shopper, the invited spent {money_text(abs(minor), currency)} {more}{percent} than the control group "
        "over the whole campaign, before prizes."
    )


def _uncertainty(found: Experiment, currency: str) -> str:
    low, high = (found.interval.low_minor, found.interval.high_minor) if found.interval else (0.0, 0.0)
    between = f"{signed_text(low, currency)} and {signed_text(high, currency)}"
    if found.decided:
        return f"The true difference lies between {between} with 95% confidence: chance alone would seldom do this."
    return (
        f"With 95% confidence the true difference lies between {between}. That includes zero, so this campaign alone "
        "does not show an effect, and does not rule one out."
    )


def _prizes(found: Experiment, currency: str) -> list[str]:
    if found.mode == "banner":
        return ["Both groups could win, so prizes cannot be told apart by group and are not taken off."]
    if found.prize_minor is None or found.net_minor is None:
        return []
    said = f"Prizes cost {money_text(found.prize_minor, currency)} per invited shopper, which leaves "
    said += signed_text(found.net_minor, currency)
    if found.net_interval is None:
        return [f"{said} per shopper."]
    low, high = found.net_interval.low_minor, found.net_interval.high_minor
    return [f"{said} per shopper after prizes, between {signed_text(low, currency)} and {signed_text(high, currency)}."]
