"""Operations: what functions asked of documents, topics and objects while so much was going on."""

from collections.abc import Mapping
from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class _Counted(BaseModel):
    model_config = ConfigDict(frozen=True)


class DocumentOperations(_Counted):
    """Of one collection. `bytes` are those written, in Firestore's own measure."""

    read: int = 0
    written: int = 0
    deleted: int = 0
    bytes: int = 0


class MessageOperations(_Counted):
    """Of one topic. `bytes` are data and attributes."""

    published: int = 0
    bytes: int = 0


class ObjectOperations(_Counted):
    """Of one bucket."""

    read: int = 0
    written: int = 0
    listed: int = 0
    bytes_read: int = 0
    bytes_written: int = 0


class FunctionOperations(_Counted):
    """Of one function. `seconds` are those of all its requests, `trips` its calls of ports that wait for an answer."""

    calls: int = 0
    seconds: float = 0
    trips: int = 0
    documents: Mapping[str, DocumentOperations] = Field(default_factory=dict)
    messages: Mapping[str, MessageOperations] = Field(default_factory=dict)
    objects: Mapping[str, ObjectOperations] = Field(default_factory=dict)


class Happened(_Counted):
    """How much went on. Rows are those of feeds, by kind; `orders` those that were recorded, through whichever door."""

    orders: int
    rows: Mapping[str, int]
    files: int


class Operations(_Counted):
    """A run, and what it took."""

    counted_on: date
    source: str
    happened: Happened
    functions: Mapping[str, FunctionOperations]
