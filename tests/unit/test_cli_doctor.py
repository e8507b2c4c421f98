"""What a project lacks is named, each with what makes it; against a server that speaks Google's interfaces."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tombola.cli_doctor import Answer, Check, advice, checks, findings
from tombola.ports.errors import NotFound, Unavailable
from tombola.ports.indexes import composite_indexes
from tombola.runtime.manifests import functions_folder, read_manifests
from tombola.runtime.settings import Settings

VARIABLES = (
    "RESOURCE_MANAGER_EMULATOR_HOST", "SERVICE_USAGE_EMULATOR_HOST", "RUN_EMULATOR_HOST", "STORAGE_EMULATOR_HOST",
    "PUBSUB_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST", "SECRET_MANAGER_EMULATOR_HOST",
)  # fmt: skip
GOOD = {
    "name": "made-up",
    "lifecycleState": "ACTIVE",
    "state": "ENABLED",
    "terminalCondition": {"state": "CONDITION_SUCCEEDED"},
    "indexes": [
        {"state": "READY", "fields": [{"fieldPath": one["field"]} for one in index["fields"]]}
        for index in composite_indexes()
    ],
}


def wanted() -> list[Check]:
    settings = Settings(project="shop", bucket_prefix="shop-", functions=functions_folder())
    return checks(settings, "europe-west1", read_manifests(functions_folder()))


def test_each_thing_that_is_missing_is_the_one_that_is_named() -> None:
    all_checks = wanted()
    for check in all_checks:

        def ask(one: Check, missing: Check = check) -> Answer:
            if one is missing:
                raise NotFound
            return GOOD

        (line,) = advice(findings(all_checks, ask), "dev", deployed=True)
        assert line.startswith(f"{check.what} is missing: ")
        assert line.partition(": ")[2].startswith(("gcloud ", "openssl ", "python tools/deploy.py apply dev"))


def test_what_is_there_and_not_ready_is_no_less_missing_and_an_outage_is_told_as_such() -> None:
    def ask(one: Check) -> Answer:
        if one.what.startswith("topic"):
            msg = "403 not allowed"
            raise Unavailable(msg)
        return {"name": one.what}

    why = {found.check.what: found.why for found in findings(wanted(), ask)}
    assert why["service play-game"] == "is not ready"
    assert why["index of plays by shard, due_at"] == "is not ready"
    assert why["topic dead-letters"] == "could not be looked at: 403 not allowed"
    assert "bucket shop-inbox" not in why


def test_before_any_function_is_there_the_platform_comes_first() -> None:
    def ask(_: Check) -> Answer:
        raise NotFound

    lines = advice(findings(wanted(), ask), "dev", deployed=False)
    assert lines[0] == "project is missing: gcloud projects create shop"
    assert lines[-1].endswith(": python tools/deploy.py apply dev --platform")


@contextmanager
def google(missing: str) -> Iterator[str]:
    """Serve a project that lacks whatever has this in its path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = json.dumps({} if missing in self.path else GOOD).encode()
            self.send_response(404 if missing in self.path else 200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def doctor(address: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **dict.fromkeys(VARIABLES, address), "TOMBOLA_PROJECT": "shop"}
    command = [sys.executable, "-m", "tombola", "doctor", "--cloud"]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path, env=environment)


def test_the_command_asks_google_and_says_what_to_do(tmp_path: Path) -> None:
    with google("/topics/dead-letters") as address:
        done = doctor(address, tmp_path)
    assert (done.returncode, done.stdout) == (
        1, "topic dead-letters is missing: python tools/deploy.py apply dev\n"
    ), done.stderr  # fmt: skip
    with google("nothing at all") as address:
        done = doctor(address, tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "are there" in done.stderr
