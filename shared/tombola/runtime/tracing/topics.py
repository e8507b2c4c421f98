"""Topics whose messages carry the trace they were published in: one span per publishing, however many messages."""

from collections.abc import Sequence
from dataclasses import replace

from tombola.ports.documents import OutboundEvent
from tombola.ports.topics import MAX_ATTRIBUTES, Message, Topics
from tombola.runtime.tracing import contexts
from tombola.runtime.tracing.contexts import TRACELINK, TRACEPARENT, TraceContext
from tombola.runtime.tracing.recording import recorder
from tombola.runtime.tracing.spans import Kind, Span

MOST_TOGETHER = 16
"""Messages published at once that go on with their publisher's trace. A larger crowd would make a trace of thousands
of spans that nobody can read: each of its messages begins a trace of its own, linked to the publishing."""
MOST_LINKS = 32


class TracedTopics:
    """Topics over others: `topics` is the adapter."""

    def __init__(self, topics: Topics) -> None:
        """Decorate an adapter."""
        self.topics = topics

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Publish with the current trace in the attributes; what carries one keeps it. See `Topics.publish`."""
        here, taker = contexts.current(), recorder()
        if here is None or not messages:
            self.topics.publish(topic, messages)
            return
        if taker is None:
            self.topics.publish(topic, _stamped(messages, here))
            return
        span = _sending(topic, messages, here)
        try:
            self.topics.publish(topic, _stamped(messages, span.context))
        except Exception as error:
            span.tell(error=type(error).__name__)
            span.failed = True
            raise
        finally:
            span.end()
            taker.record(span)


def carrying(events: Sequence[OutboundEvent]) -> list[OutboundEvent]:
    """Return events whose messages carry the current trace, for an outbox that somebody else may empty later."""
    if (here := contexts.current()) is None:
        return list(events)
    messages = _stamped([event.message for event in events], here)
    return [replace(event, message=message) for event, message in zip(events, messages, strict=True)]


def _sending(topic: str, messages: Sequence[Message], here: TraceContext) -> Span:
    context = replace(here, span_id=contexts.new_span_id())
    span = Span(f"send {topic}", Kind.PRODUCER, context, here.span_id, _others(messages, here))
    span.tell(topic=topic, count=len(messages))
    span.attributes |= {"messaging.system": "gcp_pubsub", "messaging.operation.type": "send"}
    if len(messages) == 1:
        span.tell(event_id=messages[0].attributes.get("event_id"))
    return span


def _stamped(messages: Sequence[Message], context: TraceContext) -> list[Message]:
    name, text = TRACELINK if len(messages) > MOST_TOGETHER else TRACEPARENT, context.traceparent
    return [
        message
        if _carried(message) or len(message.attributes) >= MAX_ATTRIBUTES
        else replace(message, attributes={**message.attributes, name: text})
        for message in messages
    ]


def _carried(message: Message) -> str:
    return message.attributes.get(TRACEPARENT, "") or message.attributes.get(TRACELINK, "")


def _others(messages: Sequence[Message], here: TraceContext) -> tuple[TraceContext, ...]:
    """Return the other traces whose messages are sent here, as they lay in the outbox or died before."""
    found = {context.trace_id: context for message in messages if (context := contexts.parse(_carried(message)))}
    found.pop(here.trace_id, None)
    return tuple(found.values())[:MOST_LINKS]
