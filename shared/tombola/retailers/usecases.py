"""Find a retailer's configuration."""

from datetime import timedelta

import yaml
from pydantic import ValidationError

from tombola.errors import Malformed, Problem, Unknown
from tombola.ports import Ports
from tombola.ports.errors import NotFound, Refused
from tombola.retailers.model import Retailer

STALE_FOR = timedelta(seconds=30)


def find_retailer(ports: Ports, retailer: str) -> Retailer:
    """Return a retailer's configuration, at most 30 seconds old.

    Raises `Unknown` when there is no such retailer, `Malformed` when its file is broken.
    """
    return ports.memo.read(("retailer", retailer), STALE_FOR, lambda: _load(ports, retailer))


def _load(ports: Ports, retailer: str) -> Retailer:
    name = f"retailers/{retailer}.yaml"
    try:
        info = ports.objects.stat("config", name)
        with ports.objects.open(info.ref) as stream:
            loaded = yaml.safe_load(stream.read())
    except (NotFound, Refused) as error:
        msg = f"retailer {retailer!r} is not known here"
        raise Unknown(
            msg,
            [Problem("retailer", repr(retailer), f"an id with a file {name} in the config bucket")],
            code="unknown-retailer",
        ) from error
    try:
        return Retailer.model_validate(loaded)
    except ValidationError as error:
        problems = [Problem(".".join(map(str, e["loc"])), repr(e["input"])[:80], e["msg"]) for e in error.errors()]
        msg = f"{name} does not describe a retailer"
        raise Malformed(msg, problems, code="malformed-retailer") from error
