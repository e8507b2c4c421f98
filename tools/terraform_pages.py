"""Write what goes into and comes out of every Terraform module into its README.md, from the descriptions in its files.

`python tools/terraform_pages.py [--write]`, in a checkout. Without `--write` it names the pages that say another thing.
Between the two marks of a page everything is made anew; the rest is its author's.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1] / "infra" / "terraform"
BEGIN, END = "<!-- made by tools/terraform_pages.py -->", "<!-- made until here -->"
BLOCK = re.compile(r'^(variable|output) "([a-z_]+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
ARGUMENT = re.compile(r"^  ([a-z_]+) += (.*?)(?=^  [a-z_]+ +=|^  [a-z]+ \{|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Declared:
    """A variable or an output. `default` is None where one must be given."""

    kind: str
    name: str
    description: str
    type: str
    default: str | None


def modules(root: Path) -> list[Path]:
    """Return the folders of modules below the root of a configuration, itself among them."""
    return [root, *sorted(path for path in (root / "modules").iterdir() if path.is_dir())]


def declared(module: Path) -> list[Declared]:
    """Return what a module declares, in the order of its files. Raises `ValueError` for what has no description."""
    return [found for path in sorted(module.glob("*.tf")) for found in _of(path)]


def page(module: Path) -> str:
    """Return the README.md of a module with its tables made anew."""
    text = (module / "README.md").read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{_tables(declared(module))}{END}{rest.partition(END)[2]}"


def _of(path: Path) -> Iterator[Declared]:
    for kind, name, body in BLOCK.findall(path.read_text(encoding="utf-8")):
        said = {argument: value.strip() for argument, value in ARGUMENT.findall(body)}
        if "description" not in said:
            msg = f"{path.name}: {kind} {name} has no description"
            raise ValueError(msg)
        yield Declared(kind, name, said["description"].strip('"'), _short(said.get("type", "")), said.get("default"))


def _short(text: str) -> str:
    """Return a type in one line."""
    return re.sub(
        r"\s+", " ", re.sub(r"\{\s*\n", "{ ", re.sub(r"\n\s*\}", " }", re.sub(r"(?<=[\w)])\n(?=\s+\w)", ",", text)))
    )


def _tables(found: list[Declared]) -> str:
    inputs = [
        f"| `{one.name}` | {_cell(one.type)} | {_default(one)} | {one.description} |"
        for one in found
        if one.kind == "variable"
    ]
    outputs = [f"| `{one.name}` | {one.description} |" for one in found if one.kind == "output"]
    lines = [
        "",
        "| input | type | default | |",
        "|---|---|---|---|",
        *inputs,
        "",
        "| output | |",
        "|---|---|",
        *outputs,
    ]
    return "\n".join([*lines, "", ""])


def _default(one: Declared) -> str:
    return "**required**" if one.default is None else _cell(_short(one.default))


def _cell(code: str) -> str:
    return f"`{code}`".replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write the pages, or name those that are stale; return the exit code."""
    stale = 0
    for module in modules(ROOT):
        readme, text = module / "README.md", page(module)
        if "--write" in arguments:
            readme.write_text(text, encoding="utf-8")
        elif readme.read_text(encoding="utf-8") != text:
            stale = 1
            sys.stderr.write(f"{readme} is not what the module says; expected: tools/terraform_pages.py --write\n")
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
