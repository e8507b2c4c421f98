"""A release is tried on a tenth of the requests, and taken back when it burns the budget of errors."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.pipeline.google import Google
from tests.pipeline.test_publish import build, run

from rollout import FEWEST_FAILURES, Decision, Requests, decide, split_of

__all__ = ["build"]

requests = st.builds(
    lambda failed, more: Requests(failed + more, failed), st.integers(0, 10_000), st.integers(0, 10_000_000)
)


@given(st.lists(requests), st.booleans())
def test_a_release_goes_back_only_if_a_revision_failed_and_burns(told: list[Requests], over: bool) -> None:  # noqa: FBT001
    burns = [
        one for one in told if one.failed >= FEWEST_FAILURES and one.burn_rate >= (6 if over else Fraction("14.4"))
    ]
    assert (decide(told, over=over) is Decision.GO_BACK) == bool(burns)


@given(st.lists(requests), requests, st.booleans())
def test_one_more_revision_never_saves_a_release(told: list[Requests], one: Requests, over: bool) -> None:  # noqa: FBT001
    if decide(told, over=over) is Decision.GO_BACK:
        assert decide([*told, one], over=over) is Decision.GO_BACK


@given(st.lists(requests))
def test_it_is_decided_when_the_watch_is_over_and_what_burnt_before_burns_still(told: list[Requests]) -> None:
    assert decide(told, over=True) is not Decision.WAIT
    if decide(told, over=False) is Decision.GO_BACK:
        assert decide(told, over=True) is Decision.GO_BACK


@given(requests)
def test_fewer_failures_never_take_a_release_back(one: Requests) -> None:
    if decide([one], over=True) is Decision.GO_ON and one.failed:
        assert decide([Requests(one.answered, one.failed - 1)], over=True) is Decision.GO_ON


def test_a_release_that_nobody_asked_anything_goes_on() -> None:
    assert decide([Requests(0, 0)], over=True) is Decision.GO_ON


def service(image: str, serving: str, newest: str) -> dict[str, Any]:
    """Return a service as Cloud Run tells it."""
    place = "projects/tombola-dev/locations/europe-west1/services/a/revisions"
    return {
        "template": {"containers": [{"image": image}]},
        "trafficStatuses": [{"revision": serving, "percent": 90}, {"revision": newest, "percent": 10}],
        "latestReadyRevision": f"{place}/{newest}",
    }


def world(build: Path) -> Google:
    """Return two HTTP functions that run: one as it is staged, one otherwise."""
    hashes = json.loads((build / "manifest.json").read_bytes())
    image = f"europe-west1-docker.pkg.dev/tombola-dev/functions/list-keys:{hashes['list_keys']}"
    return Google(services={
        "list-keys": service(image, "list-keys-1", "list-keys-1"),
        "play-game": service("another", "play-game-1", "play-game-2"),
    })  # fmt: skip


def whole(build: Path) -> Path:
    """Say a hash for every function, as a whole manifest does."""
    hashes = json.loads((build / "manifest.json").read_bytes())
    names = [path.parent.name for path in Path(__file__).parents[2].glob("functions/*/function.yaml")]
    (build / "manifest.json").write_text(json.dumps(dict.fromkeys(names, "0" * 64) | hashes), encoding="utf-8")
    return build


def test_what_runs_otherwise_keeps_nine_tenths_in_its_revision_of_before(build: Path) -> None:
    google = world(whole(build))
    done = run("rollout", google, "note", "dev", "--build", build)
    assert (done.returncode, done.stdout) == (0, "tried on a tenth of the requests first: play_game\n"), done.stderr
    assert json.loads((build / "splits.json").read_bytes()) == {"play_game": {"revision": "play-game-1", "percent": 90}}


def test_a_release_that_was_taken_back_is_tried_on_a_tenth_again() -> None:
    assert split_of(service("new", "a-1", "a-2"), "new") == {"revision": "a-1", "percent": 90}
    assert split_of(service("new", "a-2", "a-2"), "new") is None


def test_a_release_that_answers_goes_on(build: Path) -> None:
    google = world(whole(build))
    run("rollout", google, "note", "dev", "--build", build)
    google.answers = {"play-game-2": {"2xx": 1000, "4xx": 100, "5xx": 1}, "play-game-1": {"5xx": 1000}}
    done = run("rollout", google, "watch", "dev", "--seconds", "0", "--build", build)
    assert (done.returncode, done.stdout) == (0, "go on: play_game\n"), done.stderr
    assert "traffic" not in google.services["play-game"]


def test_a_release_that_burns_the_budget_of_errors_is_taken_back(build: Path) -> None:
    google = world(whole(build))
    run("rollout", google, "note", "dev", "--build", build)
    google.answers = {"play-game-2": {"2xx": 100, "5xx": 3}}
    done = run("rollout", google, "watch", "dev", "--seconds", "600", "--build", build)
    assert (done.returncode, done.stdout) == (1, "go back: play_game\n"), done.stderr
    assert google.services["play-game"]["traffic"] == [
        {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": "play-game-1", "percent": 100}
    ]
