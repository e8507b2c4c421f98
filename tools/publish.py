"""Publish the bundles that are staged: `python tools/publish.py ENVIRONMENT`.

Bundles and images are named by the hash of their content. What has its image already is passed over, so that only
functions that are other than all that was published before are built, and going back to what ran once builds nothing.
Every other bundle goes to the bucket of artefacts as SERVICE/HASH.zip, and Cloud Build makes SERVICE:HASH of it: by
Google's buildpacks, or by our Dockerfile where the manifest says `package: image`. All are built at the same time, each
in a build of its own, whose provenance names that bundle and nothing else.
"""

import argparse
import io
import json
import sys
import time
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from environments import ROOT, Environment, read_environment, service_of
from google_rest import ARTEFACTS, BUILDS, STORAGE
from tombola.errors import Fault
from tombola.ports.errors import NotFound, PortError, PreconditionFailed
from tombola.runtime.manifests import read_manifests

BUILDPACKS = "gcr.io/buildpacks/builder:latest"
"""Google's, which Cloud Run functions are built with. The image that comes out is what is pinned."""
BUILDER_ACCOUNT = "tombola-builder"
NEW_YEAR_2020 = (2020, 1, 1, 0, 0, 0)
POLL_SECONDS = 5.0


class NotBuilt(Fault):
    """Cloud Build could not make an image. Names the builds and where their logs are."""

    code = "not-built"


def build_of(environment: Environment, function: str, content: str, package: str) -> dict[str, Any]:
    """Return the build of Cloud Build that makes the image of one bundle."""
    service = service_of(function)
    image = environment.image(service, content)
    return {
        "source": {"storageSource": {"bucket": environment.artefacts, "object": f"{service}/{content}.zip"}},
        "steps": _by_dockerfile(image, function) if package == "image" else _by_buildpacks(image, function),
        "images": [image],
        "tags": ["tombola", service],
        "serviceAccount": (
            f"projects/{environment.project}/serviceAccounts/"
            f"{BUILDER_ACCOUNT}@{environment.project}.iam.gserviceaccount.com"
        ),
        "logsBucket": f"gs://{environment.artefacts}/builds",
        "options": {"logging": "GCS_ONLY", "requestedVerifyOption": "VERIFIED"},
    }


def zipped(folder: Path) -> bytes:
    """Return the files of a bundle as a zip; the same files are the same bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.writestr(zipfile.ZipInfo(path.name, NEW_YEAR_2020), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def unpublished(environment: Environment, bundles: Mapping[str, str]) -> dict[str, str]:
    """Return the bundles that have no image yet."""
    return {
        function: content for function, content in bundles.items() if not _has_image(environment, function, content)
    }


def publish(environment: Environment, bundles: Mapping[str, str], build: Path, *, wait: float = POLL_SECONDS) -> None:
    """Upload these bundles from the folder `build`, and return when each has its image. Raises `NotBuilt`."""
    manifests = read_manifests(ROOT / "functions")
    running = {}
    for function, content in bundles.items():
        _upload(environment, f"{service_of(function)}/{content}.zip", zipped(build / function))
        wanted = build_of(environment, function, content, manifests[function].package)
        started = BUILDS.ask("POST", f"/{environment.place}/builds", f"build of {function}", json=wanted)
        running[function] = started.json()["name"]
    failed = [problem for function, name in running.items() if (problem := _ended(function, name, wait))]
    if failed:
        msg = "; ".join(failed)
        raise NotBuilt(msg)


def _by_buildpacks(image: str, function: str) -> list[dict[str, Any]]:
    """As `gcloud builds submit --pack` has it."""
    target = f"GOOGLE_FUNCTION_TARGET={function}"
    words = ["build", image, "--builder", BUILDPACKS, "--network", "cloudbuild", "--env", target]
    return [{"name": "gcr.io/k8s-skaffold/pack", "entrypoint": "pack", "args": words}]


def _by_dockerfile(image: str, function: str) -> list[dict[str, Any]]:
    words = ["build", "--tag", image, "--build-arg", f"FUNCTION={function}", "."]
    return [{"name": "gcr.io/cloud-builders/docker", "args": words}]


def _has_image(environment: Environment, function: str, content: str) -> bool:
    package = f"{environment.place}/repositories/functions/packages/{service_of(function)}"
    try:
        ARTEFACTS.ask("GET", f"/{package}/tags/{content}", f"image of {function}")
    except NotFound:
        return False
    return True


def _upload(environment: Environment, name: str, content: bytes) -> None:
    path = f"/upload/storage/v1/b/{environment.artefacts}/o"
    options = {"uploadType": "media", "name": name, "ifGenerationMatch": "0"}
    with suppress(PreconditionFailed):  # uploaded before, and named by its content
        STORAGE.ask("POST", path, f"upload of {name}", params=options, data=content)


def _ended(function: str, name: str, wait: float) -> str | None:
    """Wait for the end of a build; return what went wrong, if anything did."""
    while True:
        operation = BUILDS.ask("GET", f"/{name}", f"build of {function}").json()
        if operation.get("done"):
            break
        time.sleep(wait)
    if error := operation.get("error"):
        logs = operation.get("metadata", {}).get("build", {}).get("logUrl", "no log")
        return f"{function}: {error.get('message', error)}, see {logs}"
    return None


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("environment")
    options.add_argument(
        "--build", type=Path, default=ROOT / "build", metavar="FOLDER", help="as nox -s bundle left it"
    )
    return options.parse_args(words)


def main() -> int:
    """Publish what has no image yet, and say what that was."""
    given = parsed()
    environment = read_environment(given.environment)
    try:
        wanted = unpublished(environment, json.loads((given.build / "manifest.json").read_bytes()))
        publish(environment, wanted, given.build)
    except (Fault, PortError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"published: {', '.join(wanted) or 'nothing is new'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
