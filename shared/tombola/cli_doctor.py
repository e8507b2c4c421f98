"""The command `tombola doctor --cloud`: what a project of Google Cloud lacks, each with the command that makes it."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from tombola.adapters.google.documents import FIRESTORE
from tombola.adapters.google.http import Api
from tombola.adapters.google.keys import SECRETS
from tombola.adapters.google.objects import STORAGE
from tombola.adapters.google.topics import PUBSUB
from tombola.fairness.heads import SIGNING_KEY as HEAD_KEY
from tombola.feeds.signing import SIGNING_KEY as RECEIPT_KEY
from tombola.games.tokens import SIGNING_KEY as TOKEN_KEY
from tombola.ports.errors import NotFound, PortError
from tombola.ports.indexes import CompositeIndex, composite_indexes
from tombola.ports.objects import BUCKETS
from tombola.runtime import topology
from tombola.runtime.faults import Misconfigured
from tombola.runtime.manifests import Manifest, functions_folder, read_manifests
from tombola.runtime.settings import Settings, read_settings

PROJECTS = Api("https://cloudresourcemanager.googleapis.com", "RESOURCE_MANAGER_EMULATOR_HOST")
USAGE = Api("https://serviceusage.googleapis.com", "SERVICE_USAGE_EMULATOR_HOST")
SERVICES = Api("https://run.googleapis.com", "RUN_EMULATOR_HOST")
"""Google has no emulators of these, and no such variables: they are ours."""
INTERFACES = (
    "artifactregistry", "bigquery", "cloudbuild", "cloudscheduler", "firestore", "iam", "logging", "monitoring",
    "pubsub", "run", "secretmanager", "storage",
)  # fmt: skip
"""What nothing works without, of what infra/terraform/services.tf switches on."""
AT_A_TIME = 16

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be there: where it is asked for, how a good answer looks, and what makes it.

    `made_by` None means Terraform.
    """

    what: str
    api: Api
    path: str
    made_by: str | None = None
    is_good: Callable[[Answer], bool] = bool


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that did not pass, and why."""

    check: Check
    why: str


def checks(settings: Settings, region: str, manifests: Mapping[str, Manifest]) -> list[Check]:
    """Return all that must be there, in the order in which it is made."""
    project = f"projects/{settings.project}"
    database = f"{project}/databases/(default)"
    subscriptions = [*topology.subscriptions(manifests), *topology.store_subscriptions()]
    topics = sorted({one.topic for one in subscriptions} | {topology.DEAD_LETTERS})
    return [
        Check("project", PROJECTS, f"/v1/{project}", f"gcloud projects create {settings.project}", _is_active),
        *(_interface(project, name) for name in INTERFACES),
        *(Check(f"bucket {name}", STORAGE, f"/storage/v1/b/{name}") for name in _buckets(settings)),
        *(Check(f"topic {name}", PUBSUB, f"/v1/{project}/topics/{name}") for name in topics),
        Check("database (default)", FIRESTORE, f"/v1/{database}"),
        *(_index(database, one) for one in composite_indexes()),
        *(_key(project, settings.key_prefix + name) for name in (TOKEN_KEY, RECEIPT_KEY, HEAD_KEY)),
        *(_service(f"{project}/locations/{region}", name) for name in _services(manifests)),
        *(
            Check(f"subscription {one.name}", PUBSUB, f"/v1/{project}/subscriptions/{one.name}")
            for one in subscriptions
        ),
    ]


def findings(all_checks: Iterable[Check], ask: Callable[[Check], Answer]) -> list[Finding]:
    """Return what did not pass, in the same order. `ask` raises a `PortError` where there is no good answer."""

    def looked(check: Check) -> Finding | None:
        try:
            answer = ask(check)
        except NotFound:
            return Finding(check, "is missing")
        except PortError as error:
            return Finding(check, f"could not be looked at: {error}")
        return None if check.is_good(answer) else Finding(check, "is not ready")

    with ThreadPoolExecutor(AT_A_TIME) as threads:
        return [found for found in threads.map(looked, all_checks) if found is not None]


def advice(found: Iterable[Finding], environment: str, *, deployed: bool) -> list[str]:
    """Return a line for each finding, with the command that mends it: the platform first where no function is."""
    terraform = f"python tools/deploy.py apply {environment}{'' if deployed else ' --platform'}"
    return [f"{one.check.what} {one.why}: {one.check.made_by or terraform}" for one in found]


def command(
    *,
    cloud: Annotated[bool, typer.Option("--cloud", help="Look at the project that TOMBOLA_PROJECT names.")] = False,
    region: Annotated[str, typer.Option(help="Where functions run.")] = "europe-west1",
    environment: Annotated[str, typer.Option(help="Terraform's name for it, for the commands that are told.")] = "dev",
) -> None:
    """Name what is missing on Google Cloud, each with the command that makes it; exit code 1 if anything is."""
    if not cloud:
        typer.echo("on one machine nothing needs to be there before; --cloud looks at a project of Google Cloud")
        return
    settings = read_settings()
    if settings.project is None:
        msg = "TOMBOLA_PROJECT: nothing is set; expected the id of the Google Cloud project"
        raise Misconfigured(msg)
    wanted = checks(settings, region, read_manifests(settings.functions or functions_folder()))
    found = findings(wanted, _asked)
    missing = sum(one.check.api is SERVICES for one in found)
    deployed = missing < sum(one.api is SERVICES for one in wanted)
    for line in advice(found, environment, deployed=deployed):
        typer.echo(line)
    typer.echo(f"{len(wanted) - len(found)} of {len(wanted)} are there", err=True)
    raise typer.Exit(1 if found else 0)


def _asked(check: Check) -> Answer:
    answer: Answer = check.api.ask("GET", check.path, check.what).json()
    return answer


def _buckets(settings: Settings) -> list[str]:
    return [f"{settings.bucket_prefix}{name}" for name in (*BUCKETS, "web", "artefacts")]


def _services(manifests: Mapping[str, Manifest]) -> list[str]:
    lanes = [one.name for one in topology.subscriptions(manifests)]
    return sorted({*lanes, *(one.service for one in manifests.values())})


def _interface(project: str, name: str) -> Check:
    service = f"{name}.googleapis.com"
    enable = f"gcloud services enable {service} --project={project.removeprefix('projects/')}"
    return Check(f"interface {service}", USAGE, f"/v1/{project}/services/{service}", enable, _is_enabled)


def _index(database: str, index: CompositeIndex) -> Check:
    fields = [one["field"] for one in index["fields"]]

    def has_it(answer: Answer) -> bool:
        return any(
            one.get("state") == "READY" and [field["fieldPath"] for field in one["fields"]][: len(fields)] == fields
            for one in answer.get("indexes", [])
        )

    path = f"/v1/{database}/collectionGroups/{index['collection']}/indexes"
    return Check(f"index of {index['collection']} by {', '.join(fields)}", FIRESTORE, path, is_good=has_it)


def _key(project: str, secret: str) -> Check:
    within = project.removeprefix("projects/")
    add = f"openssl rand 32 | gcloud secrets versions add {secret} --data-file=- --project={within}"
    return Check(f"key {secret}", SECRETS, f"/v1/{project}/secrets/{secret}/versions/latest", add)


def _service(place: str, name: str) -> Check:
    return Check(f"service {name}", SERVICES, f"/v2/{place}/services/{name}", is_good=_is_ready)


def _is_active(answer: Answer) -> bool:
    return bool(answer.get("lifecycleState") == "ACTIVE")


def _is_enabled(answer: Answer) -> bool:
    return bool(answer.get("state") == "ENABLED")


def _is_ready(answer: Answer) -> bool:
    return bool(answer.get("terminalCondition", {}).get("state") == "CONDITION_SUCCEEDED")
