"""What the emulators do otherwise than Google Cloud, and so is not asked of them: test by test, each with its reason.

Nothing else is left out of `nox -s contract`. A line whose test is no more fails that session.
"""

from collections.abc import Mapping

DEVIATIONS: Mapping[str, str] = {
    "test_objects.py::test_a_large_object_is_created_once": (
        "fake-gcs-server forgets which generation a resumable upload expects"
    ),
    "test_objects.py::test_only_the_live_generation_is_deleted": (
        "fake-gcs-server deletes whatever generation a deletion expects"
    ),
}
"""Test (`test_documents.py::test_a_name`, without parameters) and why an emulator cannot keep its promise."""
