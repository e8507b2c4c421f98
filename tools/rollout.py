"""Give a release to some of the requests first: `python tools/rollout.py note|watch|back ENVIRONMENT`.

`note` writes to build/splits.json which revision of every HTTP function that will be other than now keeps how much, for
`tools/deploy.py apply --splits`. `watch` looks at what the new revisions answer for a while; when they burn the budget
of errors, it gives all requests back to the revisions that were noted, and fails. `back` does so at once.

Functions that events call are not split: each message counts, and older and newer ones read what the other publishes.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

from environments import ROOT, Environment, read_environment, service_of
from google_rest import METRICS, SERVICES
from tombola.errors import Fault
from tombola.ports.errors import NotFound, PortError
from tombola.runtime.manifests import HttpTrigger, read_manifests

GOAL = Fraction(999, 1000)
FAST, SLOW = Fraction(144, 10), Fraction(6)
"""As infra/terraform/slos.tf promises and alarms: so many times too fast at any moment, or over the whole watch."""
FEWEST_FAILURES = 3
"""One failure among few requests says nothing: at a tenth of a quiet shop's requests it would burn any budget."""
KEPT_PERCENT = 90
POLL_SECONDS = 30.0


class Decision(Enum):
    """What becomes of a release while it is watched."""

    WAIT = "wait"
    GO_ON = "go on"
    GO_BACK = "go back"


@dataclass(frozen=True, slots=True)
class Requests:
    """What a revision was asked since it is watched, and how often it failed (5xx)."""

    answered: int
    failed: int

    @property
    def burn_rate(self) -> Fraction:
        """How many times too fast the budget of errors is spent; 1 spends it just up."""
        return Fraction(self.failed, self.answered) / (1 - GOAL) if self.answered else Fraction(0)


def decide(requests: Iterable[Requests], *, over: bool) -> Decision:
    """Return what becomes of a release of these revisions. One that burns takes all of them back: they are one."""
    bound = SLOW if over else FAST
    if any(one.failed >= FEWEST_FAILURES and one.burn_rate >= bound for one in requests):
        return Decision.GO_BACK
    return Decision.GO_ON if over else Decision.WAIT


def split_of(service: Mapping[str, Any], image: str) -> dict[str, Any] | None:
    """Return what a service, as Cloud Run tells it, keeps while `image` is tried; None if it runs that already.

    A service whose newest revision was taken back has the image, and does not run it: it is tried like any other.
    """
    most = max(service.get("trafficStatuses", []), key=lambda one: int(one.get("percent", 0)), default={})
    newest = service["latestReadyRevision"].rpartition("/")[2]
    revision = (most.get("revision") or newest).rpartition("/")[2]
    if revision == newest and service["template"]["containers"][0]["image"] == image:
        return None
    return {"revision": revision, "percent": KEPT_PERCENT}


def counted(series: Iterable[Mapping[str, Any]]) -> Requests:
    """Return the requests that time series of run.googleapis.com/request_count tell of."""
    answered = failed = 0
    for one in series:
        count = sum(int(point["value"]["int64Value"]) for point in one["points"])
        answered += count
        failed += count if one["metric"]["labels"]["response_code_class"] == "5xx" else 0
    return Requests(answered, failed)


def note(environment: Environment, bundles: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the splits of the HTTP functions that run already, and run something else."""
    splits = {}
    for function, manifest in read_manifests(ROOT / "functions").items():
        if isinstance(manifest.trigger, HttpTrigger) and (service := _service(environment, function)):
            split = split_of(service, environment.image(service_of(function), bundles[function]))
            if split is not None:
                splits[function] = split
    return splits


def watch(environment: Environment, splits: Iterable[str], seconds: float, poll: float = POLL_SECONDS) -> Decision:
    """Look at the newest revisions of functions until it is decided what becomes of them."""
    begun = datetime.now(UTC)
    newest = {name: _newest(environment, name) for name in splits}
    while True:
        over = (datetime.now(UTC) - begun).total_seconds() >= seconds
        told = [_requests(environment, name, revision, begun) for name, revision in newest.items()]
        decision = decide(told, over=over)
        if decision is not Decision.WAIT:
            return decision
        time.sleep(poll)


def back(environment: Environment, splits: Mapping[str, Mapping[str, Any]]) -> None:
    """Give all requests to the revisions that were noted."""
    for function, split in splits.items():
        traffic = [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": split["revision"], "percent": 100}]
        path = f"/{environment.place}/services/{service_of(function)}"
        SERVICES.ask(
            "PATCH", path, f"traffic of {function}", params={"updateMask": "traffic"}, json={"traffic": traffic}
        )


def _service(environment: Environment, function: str) -> dict[str, Any] | None:
    path = f"/{environment.place}/services/{service_of(function)}"
    try:
        found: dict[str, Any] = SERVICES.ask("GET", path, f"service of {function}").json()
    except NotFound:
        return None
    return found


def _newest(environment: Environment, function: str) -> str:
    service = _service(environment, function) or {"latestReadyRevision": ""}
    return str(service["latestReadyRevision"]).rpartition("/")[2]


def _requests(environment: Environment, function: str, revision: str, since: datetime) -> Requests:
    chosen = {
        "metric.type": "run.googleapis.com/request_count",
        "resource.labels.service_name": service_of(function),
        "resource.labels.revision_name": revision,
    }
    asked = {
        "filter": " AND ".join(f'{label} = "{value}"' for label, value in chosen.items()),
        "interval.startTime": since.isoformat(),
        "interval.endTime": datetime.now(UTC).isoformat(),
    }
    told = METRICS.ask("GET", f"/projects/{environment.project}/timeSeries", f"requests of {function}", params=asked)
    return counted(told.json().get("timeSeries", []))


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("do", choices=("note", "watch", "back"))
    options.add_argument("environment")
    options.add_argument(
        "--build", type=Path, default=ROOT / "build", metavar="FOLDER", help="as nox -s bundle left it"
    )
    options.add_argument("--seconds", type=float, default=900, help="how long to watch")
    return options.parse_args(words)


def main() -> int:
    """Do it; watching that ends in going back is a failure."""
    given = parsed()
    environment = read_environment(given.environment)
    noted = given.build / "splits.json"
    try:
        if given.do == "note":
            splits = note(environment, json.loads((given.build / "manifest.json").read_bytes()))
            noted.write_text(json.dumps(splits, indent=2) + "\n", encoding="utf-8")
            sys.stdout.write(f"tried on a tenth of the requests first: {', '.join(splits) or 'nothing'}\n")
            return 0
        splits = json.loads(noted.read_bytes())
        decision = Decision.GO_BACK if given.do == "back" else watch(environment, splits, given.seconds)
        if decision is Decision.GO_BACK:
            back(environment, splits)
    except (Fault, PortError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{decision.value}: {', '.join(splits) or 'nothing was tried'}\n")
    return 1 if given.do == "watch" and decision is Decision.GO_BACK else 0


if __name__ == "__main__":
    sys.exit(main())
