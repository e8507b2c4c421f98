import threading

import pytest
import stamina

from tombola.errors import Overdrawn
from tombola.ports import Ports
from tombola.ports.documents import DocumentKey, created_or_replaced
from tombola.ports.errors import PreconditionFailed
from tombola.runtime.races import ATTEMPTS, decide_again


def test_no_race_no_second_call() -> None:
    calls: list[int] = []
    assert decide_again(lambda: calls.append(1)) is None
    assert calls == [1]


def test_a_race_that_is_always_lost_is_given_up_after_twenty_calls() -> None:
    calls: list[int] = []

    def lose() -> None:
        calls.append(1)
        raise PreconditionFailed

    with stamina.set_testing(testing=True, attempts=1000, cap=True), pytest.raises(PreconditionFailed):
        decide_again(lose)
    assert len(calls) == ATTEMPTS


def test_another_error_in_a_later_try_is_not_swallowed() -> None:
    errors = [PreconditionFailed(), ZeroDivisionError()]

    def fail() -> None:
        raise errors.pop(0)

    with pytest.raises(ZeroDivisionError):
        decide_again(fail)


def test_writers_who_decide_again_lose_nothing(ports: Ports) -> None:
    key = DocumentKey("limits", ("counter",))

    def count() -> None:
        (found,) = ports.documents.get([key])
        counted = 1 + (int(str(found.fields["count"])) if found else 0)
        ports.documents.commit([created_or_replaced(found, key, {"count": counted})])

    threads = [threading.Thread(target=lambda: [decide_again(count) for _ in range(5)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (found,) = ports.documents.get([key])
    assert found is not None
    assert found.fields["count"] == 20


def test_money_read_older_than_its_play_is_read_again() -> None:
    seen = iter([Overdrawn("release would leave reserved at -1500"), None])

    def release() -> str:
        torn = next(seen)
        if torn is not None:
            raise torn
        return "released"

    assert decide_again(release) == "released"
