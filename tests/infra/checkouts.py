"""The infrastructure as Terraform plans it, in a copy of the checkout. Nothing is asked of Google Cloud."""

import json
import os
import shlex
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TERRAFORM = shlex.split(os.environ.get("TERRAFORM", "terraform"))
"""The command that stands for terraform: anything that takes its words, such as `tofu`."""
HASH = "0" * 64


@dataclass(frozen=True)
class Checkout:
    """A copy of what Terraform reads, which a test may damage. Its state lies in the copy."""

    folder: Path
    plugins: Path

    @property
    def terraform(self) -> Path:
        """The root of the configuration."""
        return self.folder / "infra" / "terraform"

    def run(self, *words: str, within: str = ".") -> subprocess.CompletedProcess[str]:
        """Run terraform in a folder of the configuration, initialised."""
        if words[0] != "init" and not (self.terraform / within / ".terraform").exists():
            done = self.run("init", "-input=false", within=within)
            assert done.returncode == 0, f"terraform init: {done.stdout}{done.stderr}"
        environment = {
            **os.environ, "GOOGLE_OAUTH_ACCESS_TOKEN": "nobody", "TF_PLUGIN_CACHE_DIR": str(self.plugins),
            "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1",
        }  # fmt: skip
        command = [*TERRAFORM, words[0], *([] if words[0] == "fmt" else ["-no-color"]), *words[1:]]
        return subprocess.run(
            command, cwd=self.terraform / within, env=environment, check=False, capture_output=True, text=True
        )

    def asked(self, *words: str, within: str = ".") -> str:
        """Return what terraform says, which must succeed."""
        done = self.run(*words, within=within)
        assert done.returncode == 0, f"terraform {words[0]}: {done.stdout}{done.stderr}"
        return done.stdout

    def plan(self, environment: str) -> "Plan":
        """Return what would be made of an empty project."""
        names = [path.parent.name for path in self.folder.glob("functions/*/function.yaml")]
        bundles = json.dumps(dict.fromkeys(names, HASH))
        file = self.folder / f"{environment}.plan"
        variables = (f"-var-file=environments/{environment}.tfvars", f"-var=bundles={bundles}")
        said = self.asked("plan", "-input=false", "-lock=false", *variables, f"-out={file}")
        shown = self.asked("show", "-json", str(file))
        return Plan(said, json.loads(shown))

    def write(self, name: str, text: str) -> None:
        """Write a file of the configuration."""
        (self.terraform / name).write_text(text, encoding="utf-8")

    def restore(self, name: str) -> None:
        """Put a file of the configuration back as it is in the checkout."""
        self.write(name, (ROOT / "infra" / "terraform" / name).read_text(encoding="utf-8"))

    def replace(self, name: str, old: str, new: str) -> None:
        """Change the one place in a file of the configuration that says `old`."""
        text = (self.terraform / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name} says {old!r} {text.count(old)} times"
        self.write(name, text.replace(old, new))


@dataclass(frozen=True)
class Resource:
    """A planned resource. `function` is whose module it stands in; what is known after the apply alone is missing."""

    address: str
    type: str
    function: str | None
    values: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What a plan said, and its JSON."""

    said: str
    content: dict[str, Any]

    @cached_property
    def resources(self) -> list[Resource]:
        """Every resource that would be made."""
        return list(_resources(self.content["planned_values"]["root_module"], None))

    def of(self, *types: str) -> list[Resource]:
        """Return the resources of these types."""
        return [one for one in self.resources if one.type in types]

    @property
    def outputs(self) -> dict[str, Any]:
        """The outputs that are known before the apply."""
        return {name: one.get("value") for name, one in self.content["planned_values"]["outputs"].items()}


def _resources(module: dict[str, Any], function: str | None) -> list[Resource]:
    address = module.get("address", "")
    if address.startswith('module.function["'):
        function = address.removeprefix('module.function["').partition('"')[0]
    own = [
        Resource(one["address"], one["type"], function, one["values"])
        for one in module.get("resources", [])
        if one["mode"] == "managed"
    ]
    return own + [found for child in module.get("child_modules", []) for found in _resources(child, function)]
