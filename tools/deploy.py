"""Terraform for one environment, with the bundles that are staged: `python tools/deploy.py plan|apply ENVIRONMENT`.

`plan` changes nothing, and says what an apply would do. `apply --splits FILE` leaves shares of the requests with the
revisions that `tools/rollout.py note` wrote there. The command that stands for terraform is taken from the variable
TERRAFORM, `terraform` by default.
"""

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from environments import ROOT, TERRAFORM, read_environment


def commands(do: str, environment: str, bundles: str, splits: str) -> list[list[str]]:
    """Return the commands of terraform, without its own name, one after another."""
    variables = [f"-var-file=environments/{environment}.tfvars", f"-var=bundles={bundles}", f"-var=splits={splits}"]
    agreed = {"plan": ["-lock=false"], "apply": ["-auto-approve"]}[do]
    return [
        ["init", "-input=false", "-reconfigure", f"-backend-config=environments/{environment}.backend.hcl"],
        [do, "-input=false", *agreed, *variables],
    ]


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("do", choices=("plan", "apply"))
    options.add_argument("environment")
    options.add_argument("--bundles", type=Path, default=ROOT / "build" / "manifest.json", metavar="FILE")
    options.add_argument("--splits", type=Path, metavar="FILE", help="what tools/rollout.py note wrote")
    return options.parse_args(words)


def main() -> int:
    """Run terraform; return its exit code."""
    given = parsed()
    read_environment(given.environment)
    if not given.bundles.is_file():
        sys.stderr.write(f"{given.bundles} is not there; expected what `nox -s bundle` writes\n")
        return 1
    bundles = given.bundles.read_text(encoding="utf-8")
    splits = given.splits.read_text(encoding="utf-8") if given.splits else "{}"
    terraform = shlex.split(os.environ.get("TERRAFORM", "terraform"))
    for words in commands(given.do, given.environment, bundles, splits):
        done = subprocess.run([*terraform, *words], cwd=TERRAFORM, check=False)  # noqa: S603 (our own words)
        if done.returncode != 0:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
