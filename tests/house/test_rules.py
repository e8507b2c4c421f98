"""The rules of the house hold because breaking one fails the lint, and it says where."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Return a copy of the house that a test may damage."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "shared", tmp_path / "shared", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    return tmp_path


def lint(house: Path) -> tuple[int, str]:
    """Return the exit code of the import rules' check, and what it says in one line."""
    done = subprocess.run(
        [sys.executable, "-c", LINT_IMPORTS],
        cwd=house,
        env={**os.environ, "PYTHONPATH": str(house / "shared"), "COLUMNS": "200"},
        check=False,
        capture_output=True,
        text=True,
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_the_house_as_it_stands_keeps_its_rules(house: Path) -> None:
    code, said = lint(house)
    assert (code, "0 broken" in said) == (0, True), said


def test_a_broken_rule_fails_the_lint_and_names_the_module(house: Path) -> None:
    broken = {
        "games/limits.py": ("from google.cloud import storage", "tombola.games.limits -> google"),
        "feeds/reading.py": ("import google.cloud.storage", "tombola.feeds.reading -> google"),
        "orders/merging.py": ("import os", "tombola.orders.merging -> os"),
        "reports/tables.py": ("import time", "tombola.reports.tables -> time"),
        "profiles/room.py": ("from tombola.ports import Ports", "tombola.profiles.room -> tombola.ports"),
        "campaigns/prizes.py": (
            "from tombola.adapters.embedded.clock import SystemClock",
            "tombola.campaigns.prizes -> tombola.adapters.embedded.clock",
        ),
        "local/shop.py": (
            "from tombola.adapters.embedded.keys import EmbeddedKeys",
            "tombola.local.shop -> tombola.adapters.embedded.keys",
        ),
    }
    for name, (statement, _) in broken.items():
        module = house / "shared" / "tombola" / name
        module.write_text(f"{module.read_text(encoding='utf-8')}\n{statement}\n", encoding="utf-8")
    code, said = lint(house)
    assert code == 1
    assert [arrow for _, arrow in broken.values() if arrow not in said] == [], said


def test_every_word_package_is_under_every_rule_for_word_packages() -> None:
    below = {path.parent.name for path in (ROOT / "shared" / "tombola").glob("*/__init__.py")}
    words = {f"tombola.{name}" for name in below - {"adapters", "local", "ports", "runtime"}}
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    for rule in rules:
        if "word packages" in rule["name"]:
            assert words <= set(rule["source_modules"]), rule["name"]


def test_a_function_is_a_translator_of_a_few_lines() -> None:
    mains = sorted((ROOT / "functions").glob("*/main.py"))
    assert mains
    lengths = {main.parent.name: len(main.read_text(encoding="utf-8").splitlines()) for main in mains}
    assert {name: length for name, length in lengths.items() if length > 25} == {}
