"""What builds of Cloud Build keep for the next: `python tools/caches.py restore|save gs://BUCKET/FOLDER`.

Cloud Build starts every build on an empty machine. So the packages that uv fetched and the provider that Terraform
fetched are kept as one archive, named by a hash of all that pins them: another lock is another archive, and an archive
is never changed. What is missing is no fault: then it is fetched anew.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ".cache"
"""Below the checkout, where cloudbuild.yaml lets uv and Terraform keep things: UV_CACHE_DIR, TF_PLUGIN_CACHE_DIR."""
PINS = ("uv.lock", "tools/*.txt", "infra/terraform/versions.tf", "infra/terraform/.terraform.lock.hcl")


def archive_name(root: Path) -> str:
    """Return the name of the archive of a checkout."""
    files = sorted(path for pattern in PINS for path in root.glob(pattern))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest() + ".tar.gz"


def pack(root: Path, archive: Path) -> None:
    """Write what is kept into an archive."""
    with tarfile.open(archive, "w:gz", compresslevel=1) as stream:
        stream.add(root / FOLDER, FOLDER)


def unpack(archive: Path, root: Path) -> None:
    """Put back what an archive holds, and nothing outside of the checkout.

    By tar, which refuses such names by itself; Python's tarfile does so from 3.11.4 on.
    """
    root.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "--extract", "--file", archive, "--directory", root], check=True)  # noqa: S603, S607 (our own words; wherever tar is)


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("do", choices=("restore", "save"))
    options.add_argument("where", metavar="gs://BUCKET/FOLDER")
    return options.parse_args(words)


def main() -> int:
    """Restore or save; a cache that cannot be had fails no build."""
    given = parsed()
    kept = f"{given.where}/{archive_name(ROOT)}"
    for folder in ("uv", "terraform"):
        (ROOT / FOLDER / folder).mkdir(parents=True, exist_ok=True)  # Terraform wants it to be there
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive"
        if given.do == "restore" and _copied(kept, str(archive)):
            unpack(archive, ROOT)
        elif given.do == "save":
            pack(ROOT, archive)
            _copied("--no-clobber", str(archive), kept)
    return 0


def _copied(*words: str) -> bool:
    gcloud = shutil.which("gcloud") or "gcloud"
    return subprocess.run([gcloud, "storage", "cp", *words], check=False).returncode == 0  # noqa: S603 (our own words)


if __name__ == "__main__":
    sys.exit(main())
