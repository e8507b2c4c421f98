"""A synthetic retailer sends a feed and a webhook, sells a basket and plays: is what was deployed alive, end to end?

`python tools/smoke.py --environment NAME | --base URL [--prepare]`

`--prepare` is done once: it writes the retailer `smoke` into the bucket `config`, makes its keys, and launches its
campaign, in which nobody can win more than the small pool holds. Afterwards each run is one file of one row, one order
by webhook, one checked-out order and one play, under names of their own. `--environment` is one of Terraform's, with
the adapters for Google Cloud; with `--base` the variables `TOMBOLA_...` say where the stores are.
"""

import argparse
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml

from environments import Environment, read_environment
from google_rest import SERVICES
from tombola.campaigns.usecases import commit_campaign, launch_campaign
from tombola.errors import Fault
from tombola.fairness.heads import SIGNING_KEY as HEAD_KEY
from tombola.feeds.names import RECEIPT
from tombola.feeds.signing import SIGNING_KEY as RECEIPT_KEY
from tombola.games.tokens import SIGNING_KEY as TOKEN_KEY
from tombola.orders.doors import CHECKED_OUT, STATED
from tombola.orders.signatures import sign
from tombola.orders.usecases import find_order
from tombola.ports import Ports
from tombola.ports.errors import PortError
from tombola.runtime import wiring

RETAILER = "smoke"
KEYS = (f"webhook-{RETAILER}", f"pseudonym-{RETAILER}", TOKEN_KEY, RECEIPT_KEY, HEAD_KEY)
KEY_BYTES = 32
PATIENCE = 120.0
"""Seconds for a file or an order to come through: functions start cold, and new objects are announced in time."""
CALLED = ("list-keys", "receive-webhook", "check-out", "play-game")


class NotAlive(Fault):
    """Something did not answer, or answered otherwise than it must. Says what and what was expected."""

    code = "not-alive"


@dataclass(frozen=True, slots=True)
class Smoke:
    """One run: its own names, the stores, and the address of every function that is called."""

    ports: Ports
    addresses: Mapping[str, str]
    run: str
    begun: datetime
    patience: float = PATIENCE

    def keys_are_public(self) -> str:
        """Ask for the public keys."""
        keys = self._call("list-keys", None, (200,))["keys"]
        return f"{len(keys)} public keys"

    def a_file_gets_its_receipt(self) -> str:
        """Send a file of one product; wait for its receipt."""
        text = f"product_id,name,brand,category,department\n{self.run},Smoke,Smoke,SMOKE,SMOKE\n"
        self.ports.objects.replace("inbox", f"{RETAILER}/products/{self.run}.csv", text.encode(), if_generation=0)
        self._until(self._receipt, "a receipt for the file")
        return "a receipt"

    def a_webhook_becomes_an_order(self) -> str:
        """State an order; wait until it is recorded."""
        order = self._order(f"{self.run}-stated", STATED)
        self._call(f"receive-webhook/{RETAILER}", order, (202,))
        self._until(lambda: find_order(self.ports, RETAILER, order["order_id"]), "the order that was stated")
        return "an order"

    def a_basket_is_played(self) -> str:
        """Check an order out, play the token that it earns, twice: the answer is one."""
        campaigns = self._call(f"check-out/{RETAILER}", self._order(f"{self.run}-sold", CHECKED_OUT), (200,))[
            "campaigns"
        ]
        tokens = [one["token"] for one in campaigns if one["token"]]
        if not tokens:
            msg = f"no token for a basket that qualifies, but {campaigns}; was it prepared (--prepare)?"
            raise NotAlive(msg)
        first, again = (self._call("play-game", {"token": tokens[0]}, (200,)) for _ in range(2))
        if first["receipt"] != again["receipt"]:
            msg = "a token was played twice, with two answers; expected one"
            raise NotAlive(msg)
        return "a play"

    def _receipt(self) -> bool:
        """Whether a receipt that is not older than this run names its file."""
        for info in self.ports.objects.list("receipts", f"{RETAILER}/products/"):
            if info.ref.name.endswith(RECEIPT) and info.updated_at >= self.begun:
                with self.ports.objects.open(info.ref) as stream:
                    if self.run.encode() in stream.read():
                        return True
        return False

    def _order(self, order_id: str, kind: str) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        line = {"line_id": "1", "product_id": "smoke", "quantity": 1, "value": "1.00"}
        return {
            "type": kind, "order_id": order_id, "scope": "whole", "stated_at": now, "ordered_at": now,
            "currency": "EUR", "shopper_id": f"shopper-{self.run}", "store_id": "smoke", "lines": [line],
        }  # fmt: skip

    def _call(self, path: str, body: Mapping[str, Any] | None, expected: Sequence[int]) -> dict[str, Any]:
        """Return what a function answers; a path with a retailer is signed by that retailer."""
        service, _, rest = path.partition("/")
        url = self.addresses[service] + (f"/{rest}" if rest else "")
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if rest and data is not None:
            secret = self.ports.keys.get(f"webhook-{rest}").material
            headers |= sign(secret, f"smoke-{secrets.token_hex(8)}", datetime.now(UTC), data)
        status, text = answer(urllib.request.Request(url, data, headers))  # noqa: S310 (an address of ours)
        if status not in expected:
            msg = f"{url} was answered {status} {text[:500]!r}; expected {expected}"
            raise NotAlive(msg)
        found: dict[str, Any] = json.loads(text) if text else {}
        return found

    def _until(self, condition: Callable[[], object], what: str) -> None:
        ends = time.monotonic() + self.patience
        while not condition():
            if time.monotonic() > ends:
                msg = f"{what} did not come within {self.patience:.0f} s"
                raise NotAlive(msg)
            time.sleep(1)


def answer(request: urllib.request.Request) -> tuple[int, bytes]:
    """Return status and body of an answer. Raises `NotAlive` where there is none."""
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 (see Smoke)
            return response.status, response.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()
    except OSError as error:
        msg = f"{request.full_url} did not answer: {error}"
        raise NotAlive(msg) from error


def prepare(ports: Ports, now: datetime) -> None:
    """Write the retailer and its keys, and launch its campaign, of what is not there yet."""
    retailer = {
        "retailer": RETAILER, "name": "Smoke test", "country": "DE", "currency": "EUR", "time_zone": "UTC",
        "feeds": {"products": {}},
    }  # fmt: skip
    ports.objects.replace("config", f"retailers/{RETAILER}.yaml", yaml.safe_dump(retailer).encode())
    for name in KEYS:
        if not ports.keys.versions(name):
            ports.keys.create(name, secrets.token_bytes(KEY_BYTES))
    id_key, seed = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES)
    rules = yaml.safe_dump(campaign(now), sort_keys=False)
    if commit_campaign(ports, rules, id_key=id_key, seed=seed).status == "committed":
        launch_campaign(ports, RETAILER, "a smoke test has no witness")


def campaign(now: datetime) -> dict[str, Any]:
    """Return a campaign of the retailer alone that each of its baskets meets, and that can cost ten euros in all.

    Its rules are the same all year, so that preparing again changes nothing.
    """
    opens, closes = datetime(now.year, 1, 1, tzinfo=UTC), datetime(now.year + 2, 1, 1, tzinfo=UTC)
    return {
        "campaign": RETAILER, "title": "Smoke test", "sponsor": {"name": "Smoke test", "kind": "retailer"},
        "retailers": [RETAILER],
        "window": {"opens": f"{opens:%FT%T}", "closes": f"{closes:%FT%T}", "time_zone": "UTC"},
        "criteria": {"all": [{"of": {"products": ["smoke"]}, "minimum_quantity": 1}]},
        "control": {"share": "0", "mode": "invitation"},
        "limits": {"per_shopper": 10},
        "game": "wheel",
        "prizes": [{"name": "basket", "kind": "basket_value", "cap": "1.00", "moments": 10}],
        "draw": {"kind": "winning_moments"},
        "pool": {"amount": "10.00", "currency": "EUR"},
        "play_within_days": 1, "matures_after_days": 30,
        "reveal_by": (closes + timedelta(days=90)).isoformat(timespec="seconds"),
        "eligibility": {
            "countries": ["DE"], "minimum_age": 18, "age_checked": "never: nobody plays but the smoke test",
            "excluded_persons": ["everybody but the smoke test"], "excluded_categories": [],
            "rules_url": "https://example.com/rules/smoke", "rules_version": "1",
        },
    }  # fmt: skip


def addresses_of(environment: Environment) -> dict[str, str]:
    """Return where the functions of an environment are called."""
    if environment.domain:
        return {service: f"https://{environment.domain}/{service}" for service in CALLED}
    path = f"/{environment.place}/services"
    return {service: str(SERVICES.ask("GET", f"{path}/{service}", service).json()["uri"]) for service in CALLED}


def smoke(ports: Ports, addresses: Mapping[str, str], say: Callable[[str], object]) -> None:
    """Do all of it; say what came of each. Raises `NotAlive`."""
    begun = datetime.now(UTC).replace(microsecond=0)
    one = Smoke(ports, addresses, f"{begun:%Y%m%d%H%M%S}-{secrets.token_hex(3)}", begun)
    for step in (
        one.keys_are_public,
        one.a_file_gets_its_receipt,
        one.a_webhook_becomes_an_order,
        one.a_basket_is_played,
    ):
        begun = time.monotonic()
        said = step()
        say(f"{said} after {time.monotonic() - begun:.1f} s")


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = options.add_mutually_exclusive_group(required=True)
    where.add_argument("--environment", metavar="NAME")
    where.add_argument("--base", metavar="URL", help="functions are at URL/<service>")
    options.add_argument("--prepare", action="store_true", help="the retailer, its keys and its campaign first")
    return options.parse_args(words)


def main() -> int:
    """Do it; say what is not alive."""
    given = parsed()
    try:
        if given.environment:
            environment = read_environment(given.environment)
            os.environ |= environment.settings
            addresses = addresses_of(environment)
        else:
            addresses = {service: f"{given.base.rstrip('/')}/{service}" for service in CALLED}
        ports = wiring.ports()
        if given.prepare:
            prepare(ports, ports.clock.now())
        smoke(ports, addresses, lambda said: sys.stdout.write(f"{said}\n"))
    except (Fault, PortError) as error:
        problems = error.problems if isinstance(error, Fault) else ()
        said = [str(error), *(f"{one.where}: {one.found}; expected {one.expected}" for one in problems)]
        sys.stderr.write("".join(f"{line}\n" for line in said))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
