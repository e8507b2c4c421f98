"""Copies of what the pipeline is made of."""

import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools"))


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Return a copy of the pipeline for a test to damage."""
    for name in ("cloudbuild.yaml", "cloudbuild.deploy.yaml", "noxfile.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path
