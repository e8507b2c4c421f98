"""Every example of the toolkit's page runs, from top to bottom."""

import re
from pathlib import Path
from typing import Any

import pytest

from tombola.runtime import logs
from tombola.runtime.testing import fake_clock, recorded_ports, using

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "toolkit.md").read_text(encoding="utf-8")
BLOCKS = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# config bucket: (\S+)\n")


@pytest.mark.usefixtures("stream")
def test_the_examples_of_the_page_run(tmp_path: Path) -> None:
    names: dict[str, Any] = {"__name__": "page", "FUNCTIONS": ROOT / "functions"}
    ran = 0
    with using(recorded_ports(tmp_path / "home", fake_clock())) as ports:
        for language, text in BLOCKS.findall(PAGE):
            if language == "yaml" and (file := FILE.match(text)):
                ports.objects.replace("config", file[1], text.encode())
            elif language == "python":
                ran += 1
                exec(compile(text, f"docs/toolkit.md, example {ran}", "exec"), names)  # noqa: S102 (our own page)
    logs.configure()
    assert ran == PAGE.count("```python")


def test_the_commands_of_the_page_are_there() -> None:
    from tombola.cli import _ELSEWHERE  # noqa: PLC0415 (typer is heavy)

    commands = set(re.findall(r"\btombola (new|flags|dead-letters)\b", PAGE))
    assert commands == {"new", "flags", "dead-letters"}
    assert {"new", "flags"} <= set(_ELSEWHERE)
