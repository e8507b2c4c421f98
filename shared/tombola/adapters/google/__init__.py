"""The ports on Google Cloud: Firestore, Cloud Storage, Pub/Sub, BigQuery, Secret Manager.

Importing a module here imports no SDK, and a constructor makes no client: each adapter makes one client per process,
at its first use, which all threads share. So a server may fork its workers before that, as gunicorn does.
"""
