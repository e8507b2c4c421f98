"""Signed addresses (V4): Google's own client makes them, imported only when one is asked for."""

from datetime import timedelta

from tombola.adapters.google.errors import translated
from tombola.adapters.google.http import session
from tombola.ports.errors import Refused


def sign(bucket: str, name: str, within: timedelta, method: str) -> str:
    """Return an address for one object of a bucket, by the full name of that. Raises `Refused`, `Unavailable`."""
    from google.auth.credentials import Signing  # noqa: PLC0415 (few processes sign)
    from google.auth.transport.requests import Request  # noqa: PLC0415
    from google.cloud.storage import Client  # type: ignore[import-untyped]  # noqa: PLC0415

    asked, by_iam = f"signing for {bucket}/{name}", {}
    with translated(asked):
        credentials = session(emulated=False).credentials
        if not isinstance(credentials, Signing):
            if not hasattr(credentials, "service_account_email"):
                msg = f"{asked}: found {type(credentials).__name__}; expected the credentials of a service account"
                raise Refused(msg)
            credentials.refresh(Request())
            by_iam = {"service_account_email": credentials.service_account_email, "access_token": credentials.token}
        blob = Client(project="-", credentials=credentials).bucket(bucket).blob(name)
        address: str = blob.generate_signed_url(version="v4", expiration=within, method=method, **by_iam)
    return address
