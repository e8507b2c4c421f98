"""What may stand in a `function.yaml`, and what it comes to with the defaults filled in."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from tombola.ports.documents import COLLECTIONS
from tombola.ports.objects import BUCKETS
from tombola.runtime.schedules import check_schedule
from tombola.runtime.topology import NOTIFYING_BUCKETS, TABLES, TOPICS, Retry

Lane = Literal["live", "bulk"]


def _one_of(what: str, known: Iterable[str]) -> AfterValidator:
    names = sorted(known)

    def check(value: str) -> str:
        if value not in names:
            msg = f"{what} {value!r}; expected one of {', '.join(names)}"
            raise ValueError(msg)
        return value

    return AfterValidator(check)


Topic = Annotated[str, _one_of("topic", TOPICS), Field(json_schema_extra={"enum": sorted(TOPICS)})]
Collection = Annotated[str, _one_of("collection", COLLECTIONS), Field(json_schema_extra={"enum": sorted(COLLECTIONS)})]
Bucket = Annotated[str, _one_of("bucket", BUCKETS), Field(json_schema_extra={"enum": sorted(BUCKETS)})]
Notifying = Annotated[
    str, _one_of("bucket", NOTIFYING_BUCKETS), Field(json_schema_extra={"enum": sorted(NOTIFYING_BUCKETS)})
]
Table = Annotated[str, _one_of("table", TABLES), Field(json_schema_extra={"enum": sorted(TABLES)})]
KeyPattern = Annotated[str, Field(pattern=r"^[a-z0-9*-]{1,200}$", description="1 to 200 of a-z, 0-9, - and *")]
Extra = Literal["feeds", "reports", "signing"]
Package = Literal["bundle", "image"]
Memory = Annotated[
    str, Field(pattern=r"^(256|512)Mi$|^(1|2|4|8|16)Gi$", description="256Mi, 512Mi, 1Gi, 2Gi, 4Gi, 8Gi or 16Gi")
]
Timeout = Annotated[int, Field(ge=1, le=3600)]
Concurrency = Annotated[int, Field(ge=1, le=1000)]
MaxAttempts = Annotated[int, Field(ge=5, le=100)]


class Rules(BaseModel):
    """Base of every part of a manifest: frozen, and a field nobody knows is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TopicTrigger(Rules):
    """Called once per message of a topic, on every lane named, each with its own subscription and service."""

    topic: Topic
    lanes: tuple[Lane, ...] = ("live",)

    @model_validator(mode="after")
    def _on_lanes_there_are(self) -> "TopicTrigger":
        known = TOPICS[self.topic].lanes
        if not self.lanes or len(set(self.lanes)) < len(self.lanes) or not set(self.lanes) <= set(known):
            msg = f"lanes {list(self.lanes)}; expected one or more, each once, of {', '.join(known)}"
            raise ValueError(msg)
        return self


class BucketTrigger(Rules):
    """Called once per new object of a bucket."""

    bucket: Notifying


class HttpTrigger(Rules):
    """Called by HTTP with this method; `public` needs no identity of the platform."""

    http: Literal["GET", "POST"]
    public: bool = False


class ScheduleTrigger(Rules):
    """Called by a clock: five fields of cron, in UTC."""

    schedule: Annotated[str, AfterValidator(check_schedule)]


_TRIGGERS = ("topic", "bucket", "http", "schedule")


def _kind(value: object) -> str:
    names = value if isinstance(value, Mapping) else dir(value)
    stated = [name for name in _TRIGGERS if name in names]
    return stated[0] if len(stated) == 1 else "undecided"


Trigger = Annotated[
    Annotated[TopicTrigger, Tag("topic")]
    | Annotated[BucketTrigger, Tag("bucket")]
    | Annotated[HttpTrigger, Tag("http")]
    | Annotated[ScheduleTrigger, Tag("schedule")],
    Discriminator(
        _kind,
        custom_error_type="one_trigger",
        custom_error_message=f"exactly one trigger of {', '.join(_TRIGGERS)}",
    ),
]


class Resources(Rules):
    """What is read, or written: document collections, buckets, warehouse tables."""

    documents: tuple[Collection, ...] = ()
    objects: tuple[Bucket, ...] = ()
    warehouse: tuple[Table, ...] = ()


class Declared(Rules):
    """What every manifest says. `package` is what is deployed: sources for the platform to build, or an image."""

    summary: Annotated[str, Field(min_length=1, max_length=200)]
    trigger: Trigger
    publishes: tuple[Topic, ...] = ()
    reads: Resources = Resources()
    writes: Resources = Resources()
    secrets: tuple[KeyPattern, ...] = ()
    extras: tuple[Extra, ...] = ()
    package: Package = "bundle"


class FunctionFile(Declared):
    """A `function.yaml`. What it does not say of memory, time and retries, `defaults.yaml` says."""

    memory: Memory | None = None
    timeout: Timeout | None = None
    concurrency: Concurrency | None = None
    max_attempts: MaxAttempts | None = None


class Defaults(Rules):
    """A `defaults.yaml`. Times in seconds; retention in days."""

    memory: Memory
    timeout: Timeout
    concurrency: Concurrency
    max_attempts: MaxAttempts
    ack_deadline: Annotated[int, Field(ge=10, le=600)]
    minimum_backoff: Annotated[int, Field(ge=0, le=600)]
    maximum_backoff: Annotated[int, Field(ge=0, le=600)]
    retention_days: Annotated[int, Field(ge=1, le=31)]


class Manifest(Declared):
    """A function: what its file says, with the defaults filled in. `name` is folder and entry point alike."""

    name: str
    folder: Path
    sizing: Defaults

    @property
    def service(self) -> str:
        """Name of the deployed service, and first segment of its path on a laptop."""
        return self.name.replace("_", "-")

    @property
    def listens_to(self) -> tuple[str, tuple[str, ...]] | None:
        """Logical topic and lanes it is called on; None for HTTP functions and schedules."""
        match self.trigger:
            case TopicTrigger(topic=topic, lanes=lanes):
                return topic, lanes
            case BucketTrigger(bucket=bucket):
                return NOTIFYING_BUCKETS[bucket], ("live",)
        return None

    @property
    def installs(self) -> tuple[str, ...]:
        """Extras of the distribution that it needs on Google Cloud: its own, and one per port that it touches.

        What topics push at it may end on the dead-letter topic, and may have to show a token (`runtime.oidc`).
        """
        pushed = self.listens_to is not None
        touched = {
            "google-documents": self.reads.documents or self.writes.documents,
            "google-keys": self.secrets,
            "google-objects": self.reads.objects or self.writes.objects,
            "google-questions": self.reads.warehouse,
            "google-topics": self.publishes or pushed,
            "google-warehouse": self.reads.warehouse or self.writes.warehouse,
            "identity": pushed or isinstance(self.trigger, ScheduleTrigger),
        }
        return tuple(sorted({*self.extras, *(extra for extra, needed in touched.items() if needed)}))

    @property
    def retry(self) -> Retry:
        """How its subscriptions insist."""
        sizing = self.sizing
        return Retry(sizing.ack_deadline, sizing.minimum_backoff, sizing.maximum_backoff, sizing.max_attempts)
