"""The host of all functions."""

import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tombola.errors import Unknown
from tombola.local.host import answer_of
from tombola.local.laptop import Laptop
from tombola.runtime import logs

ECHO = """
from tombola.runtime import Answer, HttpRequest, on_http

@on_http(methods=("GET", "POST"))
def {name}(request: HttpRequest) -> Answer:
    said = request.body.decode()
    return Answer({{"name": "{name}", "path": request.path, "query": dict(request.query), "body": said}})
"""
HTTP_MANIFEST = "summary: Echoes.\ntrigger: {http: POST, public: true}\n"


def write_echo(folder: Path, name: str) -> None:
    (folder / name).mkdir()
    (folder / name / "function.yaml").write_text(HTTP_MANIFEST, encoding="utf-8")
    (folder / name / "main.py").write_text(ECHO.format(name=name), encoding="utf-8")


def get(laptop: Laptop, path: str, query: str = "") -> tuple[int, dict[str, object]]:
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "SCRIPT_NAME": "",
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.input": sys.stdin.buffer,
        "wsgi.errors": sys.stderr,
    }  # fmt: skip
    reply = answer_of(laptop.host, environ)
    return reply.status, json.loads(reply.body)


@pytest.fixture(autouse=True)
def quiet_log() -> None:
    logs.configure(level="error")


def test_a_function_is_found_by_its_name_with_dashes_and_sees_the_rest_of_the_path(
    functions: Path, laptop: Callable[[], Laptop]
) -> None:
    write_echo(functions, "say_hello")
    write_echo(functions, "say_goodbye")
    made = laptop()
    assert get(made, "/say-hello/corner-shop/1", "a=b") == (
        200, {"name": "say_hello", "path": "/corner-shop/1", "query": {"a": "b"}, "body": ""},
    )  # fmt: skip
    assert get(made, "/say-goodbye")[1]["name"] == "say_goodbye"
    assert get(made, "/say-hello")[1]["path"] == "/"


def test_a_call_without_a_socket_is_the_same_call(functions: Path, laptop: Callable[[], Laptop]) -> None:
    write_echo(functions, "say_hello")
    reply = laptop().host.call("say_hello", b'{"a": 1}', path="/x?y=z")
    assert reply.accepted
    assert json.loads(reply.body) == {"name": "say_hello", "path": "/x", "query": {"y": "z"}, "body": '{"a": 1}'}


def test_an_unknown_function_is_a_problem_that_names_those_there_are(
    functions: Path, laptop: Callable[[], Laptop]
) -> None:
    write_echo(functions, "say_hello")
    made = laptop()
    status, body = get(made, "/say_hello")
    assert (status, body["type"]) == (404, "urn:tombola:problem:unknown-function")
    assert "say-hello" in json.dumps(body["problems"])
    with pytest.raises(Unknown):
        made.host.call("say_nothing")


def test_a_broken_function_answers_503_until_it_is_mended_and_leaves_the_others_alone(
    functions: Path, laptop: Callable[[], Laptop]
) -> None:
    write_echo(functions, "say_hello")
    write_echo(functions, "say_goodbye")
    main = functions / "say_goodbye" / "main.py"
    mended = main.read_text(encoding="utf-8")
    main.write_text("import no_such_module\n" + mended, encoding="utf-8")
    made = laptop()
    assert list(made.host.load()) == ["say_goodbye"]
    assert get(made, "/say-goodbye")[0] == 503
    assert "no_such_module" in str(get(made, "/say-goodbye")[1]["detail"])
    assert get(made, "/say-hello")[0] == 200
    main.write_text(mended, encoding="utf-8")
    assert get(made, "/say-goodbye")[0] == 200


def test_loading_functions_leaves_no_trace_in_the_process(functions: Path, laptop: Callable[[], Laptop]) -> None:
    for name in ("say_hello", "say_goodbye"):
        write_echo(functions, name)
    made = laptop()
    made.host.load()
    before = (dict(os.environ), list(sys.path), list(logging.getLogger().handlers), sys.stdout, sys.stderr)
    for name in ("sing", "shout"):
        write_echo(functions, name)
    again = laptop()
    again.host.load()
    again.host.call("sing")
    assert (dict(os.environ), list(sys.path), list(logging.getLogger().handlers), sys.stdout, sys.stderr) == before
    assert "main" not in sys.modules
