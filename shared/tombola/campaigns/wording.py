"""What a campaign asks and what a basket still lacks, said to a shopper. English and French."""

from collections.abc import Iterable, Iterator

from tombola.campaigns import shopper_words as words
from tombola.campaigns.changes import Change, Step
from tombola.campaigns.criteria import BoundTrace, ConditionTrace, Trace
from tombola.campaigns.model import Campaign
from tombola.campaigns.selecting import Condition, Selection
from tombola.campaigns.shopper_words import Counted, Language
from tombola.money import major_units

__all__ = ["Language", "banner", "explain", "reasons", "say"]


def explain(trace: Trace, currency: str, language: Language = "en") -> tuple[str, ...]:
    """Return one sentence: that the basket takes part, or the smallest change after which it does."""
    if trace.qualifies:
        return (words.QUALIFIES[language],)
    return (say(trace.change, currency, language, further=trace.tier > 1),)


def say(change: Change, currency: str, language: Language = "en", *, further: bool = False) -> str:
    """Return a change in one sentence; `further`: it earns one more play, not the first."""
    if not change.possible and not change.is_proven:
        return words.NOT_FOUND[language]
    if not change.possible:
        return (words.IMPOSSIBLE_FURTHER if further else words.IMPOSSIBLE)[language]
    aim = (words.FURTHER if further else words.FIRST)[language]
    steps = words.AND[language].join(_step(step, currency, language) for step in change.steps)
    return words.CHANGE[language].format(aim=aim, steps=steps)


def reasons(trace: Trace, campaign: Campaign, language: Language = "en") -> tuple[str, ...]:
    """Return one text for every bound that is not met, and one for every condition of `none` that is."""
    criteria = (campaign.criteria, *campaign.further_tiers)[trace.tier - 1]
    conditions = {"all": criteria.all, "any": criteria.any, "none": criteria.none}
    said = ((each, conditions[each.clause][each.index]) for each in trace.conditions)
    return tuple(text for each, condition in said for text in _reasons(each, condition, campaign, language))


def banner(campaign: Campaign, language: Language = "en") -> str:
    """Return the text of a campaign's banner: its title and the first prize, which the file names first."""
    prize = campaign.prizes[0]
    cap = _amount(campaign.worth_minor(prize), campaign.pool.currency, language)
    said = words.PRIZE[prize.kind][language].format(cap=cap, title=prize.title or prize.name)
    return f"{campaign.title}. {said}"


def _step(step: Step, currency: str, language: Language) -> str:
    if step.action == "take_out":
        return _counted(words.TAKE_OUT, step.units, language, what=step.product_name or step.product_id)
    what = _described(step.of, language)
    if step.but_not:
        other = words.OR[language].join(_selection(each, language) for each in step.but_not)
        what = words.BUT_NOT[language].format(what=what, other=other)
    added = _counted(words.ADD, step.units, language, what=what)
    return ", ".join((added, *_new_products(step, language), *_price(step, currency, language)))


def _new_products(step: Step, language: Language) -> Iterator[str]:
    if step.products:
        products = _counted(words.NEW, step.products, language)
        yield words.NEW_AT_LEAST[language].format(products=products)
    elif step.most_products == 0:
        yield words.NONE_NEW[language]
    elif step.most_products is not None and step.most_products < step.units:
        products = _counted(words.NEW, step.most_products, language)
        yield words.NEW_AT_MOST[language].format(products=products)


def _price(step: Step, currency: str, language: Language) -> Iterator[str]:
    money = _amount(step.minor, currency, language)
    if step.most_minor is not None:
        form = words.BETWEEN if step.minor else words.AT_MOST
        most = _amount(step.most_minor, currency, language)
        yield form[language].format(money=money if step.minor else most, most=most)
    elif step.minor:
        yield words.AT_LEAST[language].format(money=money)


def _reasons(trace: ConditionTrace, condition: Condition, campaign: Campaign, language: Language) -> Iterator[str]:
    what = _described([part.of for part in condition.bundle] or [condition.of], language, bundle=bool(condition.bundle))
    for bound in trace.bounds:
        said = _bound(bound, what, campaign.pool.currency, language)
        if trace.clause == "none" and trace.met:
            yield words.NOT_ALLOWED[language].format(bound=said)
        elif trace.clause != "none" and bound.short_by:
            yield said


def _bound(bound: BoundTrace, what: str, currency: str, language: Language) -> str:
    is_money = bound.bound.endswith("_spend")
    wanted, found = (
        _amount(figure, currency, language) if is_money else str(figure) for figure in (bound.wanted, bound.found)
    )
    return _counted(words.BOUND[bound.bound], bound.wanted, language, wanted=wanted, found=found, what=what)


def _counted(forms: Counted, count: int, language: Language, **named: str) -> str:
    one, more = forms[language]
    return (one if words.singular(count, language) else more).format(figure=count, **named)


def _amount(minor: int, currency: str, language: Language) -> str:
    text = str(major_units(minor, currency))
    return f"{text.replace('.', ',') if language == 'fr' else text} {currency}"


def _described(selections: Iterable[Selection], language: Language, *, bundle: bool = False) -> str:
    """Name what all of these mean together, or each part of a bundle."""
    said = dict.fromkeys(_selection(each, language) for each in selections)
    return (" + " if bundle else ", ").join(said)


def _selection(selection: Selection, language: Language) -> str:
    """Name what a selection means: brand, then category, department, size, and single products last."""
    stated = (
        selection.brands, selection.categories, selection.departments, selection.sizes, selection.gtins,
        selection.products,
    )  # fmt: skip
    return ", ".join(words.OR[language].join(names) for names in stated if names) or words.ANYTHING[language]
