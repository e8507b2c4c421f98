"""The command `tombola cost`: what volumes like yours take, what they cost, and what breaks first."""

import json
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import BaseModel, ValidationError

from tombola.costs.estimate import Service, Topic
from tombola.costs.operations import Operations
from tombola.costs.outlook import Deployed, as_data, assumptions_table, markdown, outlook
from tombola.costs.prices import Prices, list_prices
from tombola.costs.volumes import Assumptions
from tombola.errors import Malformed, Problem, Unknown
from tombola.ports.documents import OUTBOX_SHARDS
from tombola.problems import problems_of
from tombola.runtime import topology
from tombola.runtime.manifests import functions_folder, read_manifests
from tombola.runtime.parameters import read_as

OPERATIONS = "operations.json"


def command(
    orders: Annotated[int, typer.Option(min=1, help="Orders a day that shops tell at once.")] = 3_000_000,
    rows: Annotated[int, typer.Option(min=1, help="Rows of feeds a day.")] = 20_000_000,
    times: Annotated[int, typer.Option(min=1, help="So many times these volumes.")] = 1,
    assume: Annotated[
        list[str] | None, typer.Option(metavar="NAME=NUMBER", help="Take something else for granted; more than once.")
    ] = None,
    counted: Annotated[
        Path | None,
        typer.Option(help="Home of a demo that counted. Default: the counts of this version."),
    ] = None,
    prices: Annotated[Path | None, typer.Option(help="Your own price list. Default: dated list prices.")] = None,
    as_: Annotated[Literal["markdown", "json"], typer.Option("--as", help="How to print it.")] = "markdown",
) -> None:
    """Work out calls, instances, writes, messages and a month's bill from operations that were counted."""
    assumed = assumptions(orders * times, rows * times, assume or [])
    found = outlook(assumed, operations(counted), _prices(prices), deployed(functions_folder()))
    if as_ == "json":
        typer.echo(json.dumps(as_data(found), indent=2))
        return
    typer.echo(f"{assumptions_table(assumed)}\n{markdown(found)}")


def assumptions(orders: int, rows: int, stated: list[str]) -> Assumptions:
    """Return what is taken for granted. Raises `Malformed` naming every statement that cannot be."""
    given: dict[str, object] = {"orders": orders, "rows": rows}
    for one in stated:
        name, _, number = one.partition("=")
        given[name.strip().replace("-", "_")] = number.strip()
    try:
        return Assumptions.model_validate(given)
    except ValidationError as error:
        raise _malformed(error, Assumptions, "--assume") from None


def operations(home: Path | None) -> Operations:
    """Return the operations that a demo counted. Raises `Unknown` for a home in which none did, `Malformed`."""
    if home is None:
        return Operations.model_validate_json(resources.files("tombola.costs").joinpath("demo.json").read_bytes())
    file = home / OPERATIONS
    if not file.is_file():
        msg = f"{home} holds no {OPERATIONS}; a demo writes it when it has lived through its year undisturbed"
        raise Unknown(msg, [Problem("--counted", str(home), "the home of a demo that was not disturbed")])
    try:
        return Operations.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise _malformed(error, Operations, str(file)) from None


def deployed(functions: Path) -> Deployed:
    """Return how a folder of functions is deployed, by its manifests."""
    manifests = read_manifests(functions)
    pushed = [one.topic for one in topology.subscriptions(manifests)]
    stored = [one.topic for one in topology.store_subscriptions()]
    return Deployed(
        services={
            name: Service(_gib(manifest.sizing.memory), manifest.sizing.concurrency)
            for name, manifest in manifests.items()
        },
        topics={name: Topic(pushed.count(name), stored.count(name)) for name in topology.topics()},
        outbox_shards=OUTBOX_SHARDS,
    )


def _prices(file: Path | None) -> Prices:
    if file is None:
        return list_prices()
    try:
        text = file.read_bytes()
    except OSError as error:
        msg = f"cannot read {file}"
        raise Malformed(msg, [Problem("--prices", str(error.strerror), "a price list in YAML")]) from None
    found = read_as(Prices, text, file.name)
    if missing := sorted(list_prices().prices.keys() - found.prices.keys()):
        msg = f"{file.name} names no price for {', '.join(missing)}"
        raise Malformed(msg, [Problem(f"prices.{name}", "nothing", "a price") for name in missing])
    return found


def _malformed(error: ValidationError, model: type[BaseModel], where: str) -> Malformed:
    problems = problems_of(error, model)
    told = "; ".join(f"{one.where}: found {one.found}, expected {one.expected}" for one in problems)
    return Malformed(f"{where}: {told}", problems)


def _gib(memory: str) -> Decimal:
    """Return GiB of a manifest's memory: `512Mi`, `2Gi`."""
    number = Decimal(memory[:-2])
    return number if memory.endswith("Gi") else number / 1024
