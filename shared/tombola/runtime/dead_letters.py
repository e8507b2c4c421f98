"""Dead letters: the original message, with why it was put aside and where it came from.

The attributes named `CloudPubSubDeadLetterSource...` are those that Pub/Sub itself sets, so that a
letter can be sent again the same way whoever wrote it. No attribute of ours repeats a value of the
payload: attributes are listed and logged where payloads are not.
"""

from collections.abc import Mapping

from tombola.errors import Fault
from tombola.ports.errors import Refused
from tombola.ports.topics import MAX_ATTRIBUTE_VALUE_BYTES, MAX_ATTRIBUTES, MAX_DATA_BYTES, Message, check_message

SOURCE_SUBSCRIPTION = "CloudPubSubDeadLetterSourceSubscription"
SOURCE_TOPIC = "CloudPubSubDeadLetterSourceTopic"
SOURCE_ATTEMPTS = "CloudPubSubDeadLetterSourceDeliveryCount"


def letter(fault: Fault, data: bytes, attributes: Mapping[str, str], source: Mapping[str, str]) -> Message:
    """Return the message for the dead-letter topic: `data` as it was, `attributes` as far as they fit.

    Adds `reason` (the fault's code), `detail` (every problem's place and what was expected there, at
    most 1,024 bytes) and `source` (function, subscription, topic, message id).
    """
    ours = {"reason": fault.code, "detail": detail(fault), **{name: _cut(value) for name, value in source.items()}}
    theirs = {name: value for name, value in attributes.items() if name not in ours and _allowed(name, value)}
    kept = dict(list(theirs.items())[: MAX_ATTRIBUTES - len(ours)])
    return Message(data[:MAX_DATA_BYTES], {**kept, **ours})


def detail(fault: Fault) -> str:
    """Return what to mend, in words that are ours: never what was found."""
    if not fault.problems:
        return fault.code.replace("-", " ")
    return _cut("; ".join(f"{problem.where}: expected {problem.expected}" for problem in fault.problems))


def _cut(text: str) -> str:
    return text.encode("utf-8", "replace")[:MAX_ATTRIBUTE_VALUE_BYTES].decode("utf-8", "ignore")


def _allowed(name: str, value: str) -> bool:
    try:
        check_message(Message(b"", {name: value}))
    except (Refused, UnicodeEncodeError):
        return False
    return True
