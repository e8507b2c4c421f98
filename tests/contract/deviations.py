"""What the emulators do otherwise than Google Cloud, and so is not asked of them: test by test, each with its reason.

Nothing else is left out of `nox -s contract`. A line whose test is no more fails that session.
"""

from collections.abc import Mapping

DEVIATIONS: Mapping[str, str] = {}
"""Test (`test_documents.py::test_a_name`, without parameters) and why an emulator cannot keep its promise."""
