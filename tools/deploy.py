"""Terraform for one environment, with the bundles that are staged: `python tools/deploy.py plan|apply ENVIRONMENT`.

`plan` changes nothing, and says what an apply would do. `apply --splits FILE` leaves shares of the requests with the
revisions that `tools/rollout.py note` wrote there. `--platform` leaves functions out, where there is none yet. The
command that stands for terraform is taken from the variable TERRAFORM, `terraform` by default.
"""

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from environments import ROOT, TERRAFORM, read_environment


def commands(do: str, environment: str, bundles: str, splits: str) -> tuple[list[str], list[str]]:
    """Return the two commands of terraform, without its own name, one after the other."""
    variables = [f"-var-file=environments/{environment}.tfvars", f"-var=bundles={bundles}", f"-var=splits={splits}"]
    agreed = {"plan": ["-lock=false"], "apply": ["-auto-approve"]}[do]
    return (
        ["init", "-input=false", "-reconfigure", f"-backend-config=environments/{environment}.backend.hcl"],
        [do, "-input=false", *agreed, *variables],
    )


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("do", choices=("plan", "apply"))
    options.add_argument("environment")
    options.add_argument("--platform", action="store_true", help="everything but functions: there are no images yet")
    options.add_argument("--bundles", type=Path, default=ROOT / "build" / "manifest.json", metavar="FILE")
    options.add_argument("--splits", type=Path, metavar="FILE", help="what tools/rollout.py note wrote")
    return options.parse_args(words)


def main() -> int:
    """Run terraform; return its exit code."""
    given = parsed()
    read_environment(given.environment)
    if not given.platform and not given.bundles.is_file():
        sys.stderr.write(f"{given.bundles} is not there; expected what `nox -s bundle` writes\n")
        return 1
    bundles = "{}" if given.platform else given.bundles.read_text(encoding="utf-8")
    splits = given.splits.read_text(encoding="utf-8") if given.splits else "{}"
    init, do = commands(given.do, given.environment, bundles, splits)
    if code := _terraform(*init).returncode:
        return code
    if given.platform and given.do == "apply" and 'module.function["' in _terraform("state", "list", quiet=True).stdout:
        sys.stderr.write(
            "--platform: there are functions, which this would take away; expected none, or no --platform\n"
        )
        return 1
    return _terraform(*do).returncode


def _terraform(*words: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
    command = [*shlex.split(os.environ.get("TERRAFORM", "terraform")), *words]
    output = subprocess.PIPE if quiet else None
    return subprocess.run(command, cwd=TERRAFORM, check=False, stdout=output, text=True)  # noqa: S603 (our own words)


if __name__ == "__main__":
    sys.exit(main())
