"""Copies of the checkout and what Terraform plans in them."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.infra.checkouts import ROOT, Checkout, Plan

from tombola.runtime.manifests import Manifest, read_manifests


@pytest.fixture(scope="session")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Checkout]:
    """Return a maker of copies."""
    plugins = Path(os.environ.get("TF_PLUGIN_CACHE_DIR") or tmp_path_factory.mktemp("plugins"))

    def copy() -> Checkout:
        folder = tmp_path_factory.mktemp("checkout")
        shutil.copytree(
            ROOT / "infra", folder / "infra", ignore=shutil.ignore_patterns(".terraform*", "terraform.tfstate*")
        )
        shutil.copytree(ROOT / "functions", folder / "functions", ignore=shutil.ignore_patterns("__pycache__"))
        checkout = Checkout(folder, plugins)
        checkout.write("backend_override.tf", 'terraform {\n  backend "local" {}\n}\n')
        return checkout

    return copy


@pytest.fixture(scope="session")
def checkout(copied: Callable[[], Checkout]) -> Checkout:
    """Return the copy that no test damages."""
    return copied()


@pytest.fixture
def damaged(copied: Callable[[], Checkout]) -> Checkout:
    """Return a copy for a test to damage."""
    return copied()


@pytest.fixture(scope="session")
def dev(checkout: Checkout) -> Plan:
    """Return the plan of dev."""
    return checkout.plan("dev")


@pytest.fixture(scope="session")
def prod(checkout: Checkout) -> Plan:
    """Return the plan of prod."""
    return checkout.plan("prod")


@pytest.fixture(scope="session")
def careless(copied: Callable[[], Checkout]) -> Plan:
    """Return a plan of dev that breaks every rule there is: one plan for all of them, for each takes its time."""
    damaged = copied()
    damaged.replace("modules/function/trigger.tf", "/topics/${var.dead_letters}", "/topics/nobody-made-this")
    damaged.replace("modules/bucket/main.tf", 'var.public ? "inherited" : "enforced"', '"inherited"')
    damaged.replace(
        "modules/function/identity.tf",
        "for_each = toset(local.reads.objects)",
        'for_each = toset(concat(local.reads.objects, ["audit"]))',
    )
    damaged.write(
        "more.tf",
        'resource "google_project_iam_member" "more" {\n  project = var.project\n  role = "roles/editor"\n'
        '  member = "serviceAccount:${module.function["play_game"].account}"\n}\n',
    )
    return damaged.plan("dev")


@pytest.fixture(scope="session")
def manifests() -> dict[str, Manifest]:
    """Return every function, as Python reads it."""
    return read_manifests(ROOT / "functions")
