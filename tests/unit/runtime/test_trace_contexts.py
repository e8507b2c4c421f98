"""What is carried from a request to its messages, and from a message to its handler."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tombola.runtime.tracing import contexts
from tombola.runtime.tracing.contexts import Origin, TraceContext
from tombola.runtime.tracing.recording import Allowance, Sampling

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
HEX = st.text("0123456789abcdef", min_size=16, max_size=16).filter(lambda text: int(text, 16) > 0)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"traceparent": f"00-{TRACE}-{SPAN}-00"}, TraceContext(TRACE, SPAN, sampled=False)),
        ({"traceparent": f"cc-{TRACE}-{SPAN}-01-what-the-future-will-bring"}, TraceContext(TRACE, SPAN, sampled=True)),
        ({"x-cloud-trace-context": f"{TRACE}/{int(SPAN, 16)};o=1"}, TraceContext(TRACE, SPAN, sampled=True)),
        ({"x-cloud-trace-context": TRACE.upper()}, TraceContext(TRACE, None, sampled=False)),
        (
            {"traceparent": f"00-{'0' * 32}-{SPAN}-01", "x-cloud-trace-context": f"{TRACE}/1"},
            TraceContext(TRACE, f"{1:016x}", sampled=False),
        ),
    ],
)
def test_the_trace_of_a_request_is_found(headers: dict[str, str], expected: TraceContext) -> None:
    assert contexts.of_headers(headers) == Origin(expected)


@pytest.mark.parametrize(
    "value",
    ["", "00", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE}-{SPAN}", f"00-{TRACE}-{SPAN}-0g", f"{'0' * 32}/1", TRACE[1:]],
)
def test_a_broken_trace_header_is_no_trace(value: str) -> None:
    assert contexts.of_headers({"traceparent": value, "x-cloud-trace-context": value}) == Origin()
    assert contexts.of_message({"traceparent": value, "tracelink": value}, "1") is None


@given(HEX, HEX, HEX, st.booleans())
def test_what_is_written_is_read_again(high: str, low: str, span: str, sampled: bool) -> None:  # noqa: FBT001 (drawn)
    context = TraceContext(high + low, span, sampled)
    assert contexts.parse(context.traceparent) == context


def test_a_context_without_a_span_is_carried_on_in_the_form_that_wants_one() -> None:
    read = contexts.parse(TraceContext(TRACE, None, sampled=True).traceparent)
    assert read is not None
    assert (read.trace_id, read.sampled) == (TRACE, True)


def test_googles_own_attribute_is_understood_and_ours_comes_first() -> None:
    other = f"00-{TRACE[::-1]}-{SPAN}-00"
    assert contexts.of_message({"googclient_traceparent": PARENT}, "1") == Origin(contexts.parse(PARENT), decided=True)
    both = contexts.of_message({"googclient_traceparent": other, "traceparent": PARENT}, "1")
    assert both == Origin(contexts.parse(PARENT), decided=True)


def test_a_message_of_a_crowd_begins_the_same_trace_however_often_it_comes() -> None:
    first, again = (contexts.of_message({"tracelink": PARENT, "event_id": "e1"}, number) for number in ("7", "8"))
    other = contexts.of_message({"tracelink": PARENT, "event_id": "e2"}, "7")
    assert first is not None
    assert other is not None
    assert first == again
    assert (first.parent, first.link) == (None, contexts.parse(PARENT))
    assert len({first.trace_id, other.trace_id, TRACE}) == 3


@pytest.mark.parametrize(
    ("origin", "sampled"),
    [
        (Origin(contexts.parse(PARENT), decided=True), True),
        (Origin(contexts.parse(PARENT)), True),
        (Origin(TraceContext(TRACE, SPAN, sampled=False), decided=True), False),
        (Origin(TraceContext(TRACE, SPAN, sampled=False)), None),
        (Origin(), None),
    ],
)
def test_what_was_decided_holds_and_chance_does_the_rest(origin: Origin, *, sampled: bool | None) -> None:
    decided = [Sampling(share, share).of(origin, TRACE) for share in (0.0, 1.0)]
    assert decided == ([False, True] if sampled is None else [sampled, sampled])


def test_nobody_makes_us_export_more_than_a_few_traces_a_minute() -> None:
    minutes = iter([10.0] * 100 + [70.0])
    sampling, wanted = Sampling(each=0.0, wanted=Allowance(3, lambda: next(minutes))), Origin(contexts.parse(PARENT))
    assert sum(sampling.of(wanted, TRACE) for _ in range(100)) == 3
    assert sampling.of(wanted, TRACE)


def test_a_trace_id_that_a_caller_has_chosen_decides_nothing() -> None:
    chosen = "f" * 16 + "0" * 15 + "1"
    unwanted = Origin(TraceContext(chosen, SPAN, sampled=False))
    assert 250 < sum(Sampling(each=0.1).of(unwanted, chosen) for _ in range(4_000)) < 550


def test_crowds_are_sampled_at_a_share_of_their_own() -> None:
    crowd = Origin(trace_id=TRACE, link=contexts.parse(PARENT))
    assert Sampling(each=1.0, crowd=0.0).of(crowd, TRACE) is False
    drawn = [Sampling(crowd=0.1).of(crowd, contexts.new_trace_id()) for _ in range(4_000)]
    assert 250 < sum(drawn) < 550
