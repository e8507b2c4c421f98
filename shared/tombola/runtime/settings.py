"""Settings: what differs between two places where the same code runs. From the environment alone."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, AwareDatetime, Field, PositiveInt, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from tombola.problems import problems_of
from tombola.runtime.faults import Misconfigured


class Settings(BaseSettings):
    """Read from variables named `TOMBOLA_<field>`, some also from what the platform sets.

    `home` is the embedded adapters' folder; `functions` the folder of functions (default: the one of
    this checkout); `replay_from` gives the embedded adapters a clock that stands at that instant until it
    is moved, for replays of recorded data. On Google Cloud `bucket_prefix` stands before every bucket's logical
    name, `key_prefix` before every key's, `dataset` is BigQuery's, `location` where its jobs run. `keys` tells where
    keys are kept if not where all else is: Secret Manager has no emulator. `push_audience` and `push_account` make
    functions that the platform calls verify who calls (see `runtime.oidc`), by the keys at `push_keys`. `timeout` is
    how long the platform lets the function work on one request, in seconds.

    `telemetry` tells who gets spans and metrics: nobody, standard error, Google Cloud, or a collector that speaks OTLP;
    to the latter two goes the share `trace_sampling` of the traces that begin here, and the share `crowd_sampling` of
    those that begin with a message of a crowd. `telemetry_endpoint` is where they go if not where they usually do.
    """

    model_config = SettingsConfigDict(env_prefix="TOMBOLA_", frozen=True, populate_by_name=True)

    adapters: Literal["embedded", "google"] = "embedded"
    home: Path = Path("tombola-home")
    functions: Path | None = None
    replay_from: AwareDatetime | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    telemetry: Literal["none", "console", "google", "otlp"] = "none"
    trace_sampling: Annotated[float, Field(ge=0, le=1)] = 0.1
    crowd_sampling: Annotated[float, Field(ge=0, le=1)] = 0.001
    telemetry_endpoint: str | None = Field(
        default=None,
        validation_alias=AliasChoices(
            "TOMBOLA_TELEMETRY_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry_endpoint"
        ),
    )
    project: str | None = Field(
        default=None, validation_alias=AliasChoices("TOMBOLA_PROJECT", "GOOGLE_CLOUD_PROJECT", "project")
    )
    bucket_prefix: str = ""
    key_prefix: str = "tombola-"
    keys: Literal["embedded", "google"] | None = None
    dataset: str = "tombola"
    location: str = "EU"
    push_audience: str | None = None
    push_account: str | None = None
    push_keys: str = "https://www.googleapis.com/oauth2/v3/certs"
    timeout: PositiveInt = Field(
        default=540, validation_alias=AliasChoices("TOMBOLA_TIMEOUT", "CLOUD_RUN_TIMEOUT_SECONDS", "timeout")
    )
    function: str | None = Field(
        default=None, validation_alias=AliasChoices("TOMBOLA_FUNCTION", "K_SERVICE", "function")
    )


def read_settings() -> Settings:
    """Return the settings of this process. Raises `Misconfigured` naming every bad variable at once."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = [f"TOMBOLA_{one.where.upper()}: expected {one.expected}" for one in problems_of(error)]
        msg = f"settings not as expected: {'; '.join(wrong)}"
        raise Misconfigured(msg) from None
