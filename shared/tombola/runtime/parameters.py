"""Parameters and secrets: what a function is told by its company, without a deployment.

A parameter is a file `parameters/<name>.yaml` in the config bucket, read into a model of the function's own; a secret
is a key of the keys port. Both are read through the memo, with the bound that is stated here.
"""

from datetime import timedelta
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tombola.errors import NotSetUp, Problem
from tombola.ports import Ports
from tombola.ports.errors import NotFound
from tombola.problems import located_problems
from tombola.yaml_text import read

M = TypeVar("M", bound=BaseModel)

CONFIG = "config"
STALE_FOR = timedelta(seconds=30)
"""As old as a parameter may be: retailers and campaigns are no younger."""
SECRETS_STALE_FOR = timedelta(seconds=60)
"""So long a process remembers a secret, and what Secret Manager's adapter gave it may be five minutes old already: a
rotated one must stay valid for longer than both."""


def parameter(ports: Ports, name: str, model: type[M]) -> M:
    """Return the parameter `parameters/<name>.yaml` as `model`, at most 30 seconds old.

    Raises `NotSetUp` (503) when there is none, or naming every field that the model does not take.
    """
    return ports.memo.read(
        ("parameter", name, model), STALE_FOR, lambda: _load(ports, f"parameters/{name}.yaml", model)
    )


def secret(ports: Ports, name: str) -> bytes:
    """Return the latest version of a secret, remembered for 60 seconds. Raises `NotSetUp` when there is none.

    The manifest names every secret of a function under `secrets`; it can read no other.
    """
    try:
        return ports.memo.read(("secret", name), SECRETS_STALE_FOR, lambda: ports.keys.get(name).material)
    except NotFound as missing:
        msg = f"the key {name} does not exist"
        raise NotSetUp(msg, [Problem("key", "none", f"a key named {name}")], code="unknown-key") from missing


def config_text(ports: Ports, name: str) -> bytes:
    """Return the live object of that name in the config bucket. Raises `NotFound`."""
    with ports.objects.open(ports.objects.stat(CONFIG, name).ref) as stream:
        return stream.read()


def read_as(model: type[M], text: bytes, name: str) -> M:
    """Return YAML as a model; every scalar is taken as it is written, and the model says what it is.

    A field that the model does not know is refused. Raises `NotSetUp` with every problem and its line; `name` is the
    file's.
    """
    file = read(text)
    problems = list(file.problems)
    try:
        made = model.model_validate(file.value, extra="forbid")
    except ValidationError as error:
        problems += (
            [] if problems and not file.value else [each for _, each in located_problems(error, model, file.where)]
        )
    if problems:
        msg = f"{name} is not as it must be"
        raise NotSetUp(msg, problems, code="malformed-parameter")
    return made


def _load(ports: Ports, name: str, model: type[M]) -> M:
    try:
        return read_as(model, config_text(ports, name), name)
    except NotFound as missing:
        msg = f"{name} does not exist in the config bucket"
        raise NotSetUp(msg, [Problem(name, "no such file", f"a {model.__name__} in YAML")]) from missing
