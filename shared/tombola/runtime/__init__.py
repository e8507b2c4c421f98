"""What a deployed function stands on: events in and out, errors, retries, logs, wiring."""

from tombola.runtime.deliveries import Delivery, ObjectNotice
from tombola.runtime.functions import on_event, on_http, on_object, on_schedule
from tombola.runtime.http import Answer, HttpRequest
from tombola.runtime.wiring import ports

__all__ = [
    "Answer",
    "Delivery",
    "HttpRequest",
    "ObjectNotice",
    "on_event",
    "on_http",
    "on_object",
    "on_schedule",
    "ports",
]
