"""Environments as Terraform knows them: what its variable files say, for those who deploy."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TERRAFORM = ROOT / "infra" / "terraform"
TEXT = re.compile(r'^(\w+)\s*=\s*"([^"]*)"', re.MULTILINE)
"""A variable that holds text, as `terraform fmt` leaves it. We read no other."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment: one project of Google Cloud. `domain` is None where functions have addresses of their own."""

    name: str
    project: str
    region: str
    location: str
    bucket_prefix: str
    domain: str | None

    @property
    def artefacts(self) -> str:
        """Bucket of the bundles."""
        return f"{self.bucket_prefix}artefacts"

    @property
    def place(self) -> str:
        """What resources of its region stand below in Google's interfaces."""
        return f"projects/{self.project}/locations/{self.region}"

    @property
    def settings(self) -> dict[str, str]:
        """What the library must be told to use its stores (tombola.runtime.settings)."""
        return {
            "TOMBOLA_ADAPTERS": "google",
            "TOMBOLA_PROJECT": self.project,
            "TOMBOLA_BUCKET_PREFIX": self.bucket_prefix,
            "TOMBOLA_LOCATION": self.location,
        }

    def image(self, service: str, content: str) -> str:
        """Return the name of the image of a service, of one content."""
        return f"{self.region}-docker.pkg.dev/{self.project}/functions/{service}:{content}"


def read_environment(name: str, folder: Path = TERRAFORM / "environments") -> Environment:
    """Return an environment of this checkout. Raises `SystemExit` naming what was expected, if it is none."""
    file = folder / f"{name}.tfvars"
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob("*.tfvars")))
        msg = f"there is no environment {name!r}; expected one of {known}"
        raise SystemExit(msg)
    said = dict(TEXT.findall(file.read_text(encoding="utf-8")))
    if wanted := {"project", "region", "location", "bucket_prefix"} - said.keys():
        msg = f"{file}: {', '.join(sorted(wanted))} is not said"
        raise SystemExit(msg)
    return Environment(
        name, said["project"], said["region"], said["location"], said["bucket_prefix"], said.get("domain")
    )


def service_of(function: str) -> str:
    """Return the name of a function's service, as the module catalog makes it."""
    return function.replace("_", "-")
