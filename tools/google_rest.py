"""Google's REST interfaces that deployments ask, through the library's own session; a variable names what stands in."""

from tombola.adapters.google.http import Api

ARTEFACTS = Api("https://artifactregistry.googleapis.com/v1", "ARTIFACT_REGISTRY_EMULATOR_HOST")
BUILDS = Api("https://cloudbuild.googleapis.com/v1", "CLOUD_BUILD_EMULATOR_HOST")
METRICS = Api("https://monitoring.googleapis.com/v3", "MONITORING_EMULATOR_HOST")
SERVICES = Api("https://run.googleapis.com/v2", "RUN_EMULATOR_HOST")
STORAGE = Api("https://storage.googleapis.com", "STORAGE_EMULATOR_HOST")
