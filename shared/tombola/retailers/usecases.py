"""Find a retailer's configuration."""

from datetime import timedelta

import yaml
from pydantic import TypeAdapter, ValidationError

from tombola.errors import NotSetUp, Problem, Unknown
from tombola.ports import Ports
from tombola.ports.errors import NotFound
from tombola.problems import MOST_SHOWN, in_file, problems_of
from tombola.retailers.model import Retailer, RetailerId

STALE_FOR = timedelta(seconds=30)
KEYS_STALE_FOR = timedelta(seconds=60)
_ID: TypeAdapter[str] = TypeAdapter(RetailerId)


def find_retailer(ports: Ports, retailer: str) -> Retailer:
    """Return a retailer's configuration, at most 30 seconds old.

    Raises `Unknown` when there is no such retailer, `NotSetUp` when its file is broken.
    """
    return ports.memo.read(("retailer", retailer), STALE_FOR, lambda: _load(ports, retailer))


def pseudonym_key(ports: Ports, retailer: Retailer) -> bytes:
    """Return the key of a retailer's pseudonyms: version 1 for ever, since another would split every shopper.

    Raises `NotSetUp` (`unknown-key`) when it was given none.
    """
    name = retailer.pseudonym_key
    try:
        return ports.memo.read(("pseudonym-key", name), KEYS_STALE_FOR, lambda: ports.keys.get(name, 1).material)
    except NotFound as missing:
        msg = f"the key {name} does not exist"
        raise NotSetUp(msg, [Problem("key", "none", f"a key named {name}")], code="unknown-key") from missing


def read_retailer(text: bytes, name: str) -> Retailer:
    """Return what a retailer's file says. Raises `NotSetUp`, with `name` as the file's."""
    try:
        return Retailer.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        raise _broken(name, problems_of(error, Retailer, where=lambda path: in_file(path) or "file")) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: bytes or a day that cannot be
        raise _broken(name, [Problem("file", "what is no YAML", "YAML in UTF-8")]) from error


def _load(ports: Ports, retailer: str) -> Retailer:
    name = f"retailers/{retailer}.yaml"
    try:
        _ID.validate_python(retailer)
        with ports.objects.open(ports.objects.stat("config", name).ref) as stream:
            text = stream.read()
    except (NotFound, ValidationError) as error:
        raise _unknown(retailer) from error
    found = read_retailer(text, name)
    if found.retailer != retailer:
        raise _broken(name, [Problem("retailer", repr(found.retailer), f"{retailer!r}, as the file is named")])
    return found


def _unknown(retailer: str) -> Unknown:
    shown = repr(retailer[:MOST_SHOWN])
    msg = f"retailer {shown} is not known here"
    expected = "an id with a file retailers/<id>.yaml in the config bucket"
    return Unknown(msg, [Problem("retailer", shown, expected)], code="unknown-retailer")


def _broken(name: str, problems: list[Problem]) -> NotSetUp:
    return NotSetUp(f"{name} does not describe a retailer", problems, code="malformed-retailer")
