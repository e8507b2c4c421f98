"""Functions as they are deployed: bundles, each in an environment of its own, as the platform starts them."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.bundles.serving import ROOT

SOURCES = ("functions", "shared", "tools", "pyproject.toml", "uv.lock", "README.md", "LICENSE", "Dockerfile")
Bundler = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def bundler() -> Bundler:
    """Return a runner of the bundler of a checkout."""

    def run(checkout: Path, *options: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(checkout / "tools" / "bundle.py"), *(str(option) for option in options)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory, bundler: Bundler) -> Path:
    """Bundle every function once; return the folder of the bundles."""
    folder = tmp_path_factory.mktemp("bundles")
    done = bundler(ROOT, "--into", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of what bundles are made of."""
    copy = tmp_path / "checkout"
    copy.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    return copy
