"""The walks begin with the same bundles as the functions alone."""

from tests.bundles.conftest import bundler, bundles

__all__ = ["bundler", "bundles"]
