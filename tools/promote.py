"""Hand a commit to the next environment: `python tools/promote.py --commit SHA --to PROJECT/REGION/TRIGGER`.

Runs that trigger of Cloud Build on the commit. Where the trigger asks for approval, its build waits for a person. With
nothing behind `--to` there is no next environment, and nothing is done.
"""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence

COMMIT = re.compile(r"[0-9a-f]{40}")
NEXT = re.compile(r"([\w-]+)/([\w-]+)/([\w-]+)")


def command(commit: str, to: str) -> list[str]:
    """Return the words for gcloud, none where there is no next environment. Raises `SystemExit` for what is none."""
    if not to:
        return []
    if not (place := NEXT.fullmatch(to)):
        msg = f"--to {to!r}; expected PROJECT/REGION/TRIGGER"
        raise SystemExit(msg)
    if not COMMIT.fullmatch(commit):
        msg = f"--commit {commit!r}; expected the 40 hexadecimal digits of a commit"
        raise SystemExit(msg)
    project, region, trigger = place.groups()
    return ["builds", "triggers", "run", trigger, f"--project={project}", f"--region={region}", f"--sha={commit}"]


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--commit", required=True, metavar="SHA")
    options.add_argument("--to", required=True, metavar="PROJECT/REGION/TRIGGER")
    return options.parse_args(words)


def main() -> int:
    """Start the next trigger, if there is one."""
    given = parsed()
    words = command(given.commit, given.to)
    if not words:
        sys.stdout.write("there is no next environment\n")
        return 0
    return subprocess.run([shutil.which("gcloud") or "gcloud", *words], check=False).returncode  # noqa: S603 (our own words)


if __name__ == "__main__":
    sys.exit(main())
