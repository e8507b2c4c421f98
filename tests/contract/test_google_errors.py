"""What Google's clients raise is told in the ports' own words."""

from typing import Any

import grpc
import pytest
import requests
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError

from tombola.adapters.google.errors import check_response, translated
from tombola.ports.errors import NotFound, PortError, PreconditionFailed, Refused, Unavailable


class Raw(grpc.RpcError):
    """An error as gRPC itself raises it."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.ABORTED


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (exceptions.NotFound("x"), NotFound),
        (exceptions.AlreadyExists("x"), PreconditionFailed),
        (exceptions.FailedPrecondition("x"), PreconditionFailed),
        (exceptions.from_http_status(412, "x"), PreconditionFailed),
        (exceptions.from_http_status(409, "x"), PreconditionFailed),
        (exceptions.InvalidArgument("x"), Refused),
        (exceptions.from_http_status(400, "x"), Refused),
        (exceptions.from_http_status(503, "x"), Unavailable),
        (exceptions.DeadlineExceeded("x"), Unavailable),
        (exceptions.Forbidden("x"), Unavailable),
        (exceptions.RetryError("x", cause=exceptions.ServiceUnavailable("x")), Unavailable),
        (DefaultCredentialsError("x"), Unavailable),
        (requests.ConnectionError("x"), Unavailable),
        (ConnectionResetError("x"), Unavailable),
        (Raw(), PreconditionFailed),
    ],
)
def test_an_error_of_a_client_is_told_as_the_ports_own(error: Exception, expected: type[PortError]) -> None:
    with pytest.raises(PortError, match="order 7") as told, translated("order 7"):
        raise error
    assert type(told.value) is expected
    assert told.value.__cause__ is error


@pytest.mark.parametrize("error", [Refused("x"), KeyError("x"), FileNotFoundError("x")])
def test_any_other_error_passes_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as passed, translated("order 7"):
        raise error
    assert passed.value is error


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, b'{"error": {"status": "FAILED_PRECONDITION", "message": "was written since"}}', PreconditionFailed),
        (409, b'{"error": {"status": "ALREADY_EXISTS", "message": "was written since"}}', PreconditionFailed),
        (412, b'{"error": {"code": 412, "message": "was written since"}}', PreconditionFailed),
        (404, b"was written since", NotFound),
        (400, b'["was written since"]', Refused),
        (400, b'[{"error": {"status": "FAILED_PRECONDITION", "message": "was written since"}}]', PreconditionFailed),
        (503, b"[] was written since", Unavailable),
        (403, b'{"error": {"status": "PERMISSION_DENIED", "message": "was written since"}}', Unavailable),
        (502, b"<html>was written since", Unavailable),
    ],
)
def test_an_answer_that_says_no_is_told_as_the_ports_own(status: int, body: bytes, expected: type[Any]) -> None:
    response = requests.Response()
    response.status_code, response._content = status, body
    with pytest.raises(PortError, match=r"order 7: .*was written since") as told:
        check_response("order 7", response)
    assert type(told.value) is expected


def test_an_answer_that_says_yes_is_no_error() -> None:
    response = requests.Response()
    response.status_code = 204
    check_response("order 7", response)
