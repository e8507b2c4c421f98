"""Check a campaign file: every fault at once, each with its place, and what the rules cannot say one by one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from tombola.campaigns.checks import CHECKS
from tombola.campaigns.findings import Finding, Known, Note
from tombola.campaigns.liability import Liability, liability
from tombola.campaigns.model import Campaign
from tombola.errors import Problem
from tombola.problems import Path, located_problems
from tombola.yaml_text import ReadFile, read

MAX_NAMED = 200
"""Faults named in one answer; a file of a quarter megabyte can hold many more."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that is allowed, and that its sender should look at again: where, and why in words."""

    where: str
    says: str


@dataclass(frozen=True, slots=True)
class CheckedCampaign:
    """A campaign that may be committed, what its sender should look at again, and what it can cost."""

    campaign: Campaign
    warnings: tuple[Warned, ...]
    liability: Liability


def check(text: bytes | str, retailers: Known) -> CheckedCampaign | list[Problem]:
    """Return the checked campaign, or every fault of its file with line and column, in the file's order.

    `retailers` are those of the file's retailers that are known; `named_retailers` tells which to look up. None: they
    cannot be looked up here, which is a warning.
    """
    file = read(text)
    if file.problems and not file.value:
        return list(file.problems[:MAX_NAMED])
    faults = _faults(file)
    findings = _findings(file, {str(path[0]) for path, _ in faults if path}, retailers)
    refused = faults + [(each.path, _located(file, each)) for each in findings if isinstance(each, Finding)]
    if refused or file.problems:
        in_order = sorted(refused, key=lambda item: _order(file, item[0]))
        return [*file.problems, *(problem for _, problem in in_order)][:MAX_NAMED]
    campaign = Campaign.model_validate(file.value)
    warnings = tuple(Warned(file.where(each.path), each.says) for each in findings if isinstance(each, Note))
    return CheckedCampaign(campaign, warnings, liability(campaign))


def named_retailers(text: bytes | str) -> tuple[str, ...]:
    """Return the retailers a file names, as far as it can be read."""
    named = read(text).value.get("retailers")
    return tuple(name for name in named if isinstance(name, str)) if isinstance(named, list) else ()


def _faults(file: ReadFile) -> list[tuple[Path, Problem]]:
    try:
        Campaign.model_validate(file.value)
    except ValidationError as error:
        return list(located_problems(error, Campaign, file.where))
    return []


def _findings(file: ReadFile, broken: set[str], retailers: Known) -> list[Finding | Note]:
    sound = {name: value for name, value in file.value.items() if name not in broken}
    construct: Callable[..., Campaign] = Campaign.model_construct
    campaign = construct(**{name: _part(name, value) for name, value in sound.items()})
    fields = Campaign.model_fields.items()
    able = {name for name, field in fields if name in sound or not (name in broken or field.is_required())}
    return [finding for needs, run in CHECKS if able.issuperset(needs) for finding in run(campaign, retailers)]


def _part(name: str, value: object) -> object:
    """Return one sound field of the file as the model has it."""
    described = Campaign.model_fields[name]
    kind: Any = Annotated[(described.annotation, *described.metadata)] if described.metadata else described.annotation
    adapter: TypeAdapter[object] = TypeAdapter(kind)
    return adapter.validate_python(value)


def _located(file: ReadFile, finding: Finding) -> Problem:
    return Problem(file.where(finding.path), finding.found, finding.expected)


def _order(file: ReadFile, path: Path) -> tuple[int, int]:
    place = file.place(path)
    return place.line, place.column
