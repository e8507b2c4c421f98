import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from tombola.campaigns.model import Campaign
from tombola.campaigns.schema import ADDRESS, schema
from tombola.cli_campaign import app
from tombola.yaml_text import read

DOCS = Path(__file__).parents[3] / "docs"


class EditorsYaml(yaml.SafeLoader):
    """YAML as editors read it (1.2): dates are texts."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, found) for tag, found in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@pytest.fixture
def file(campaign_text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(campaign_text, EditorsYaml)  # noqa: S506 (a safe loader)
    return found


def faults(value: object) -> list[str]:
    return [".".join(map(str, error.absolute_path)) for error in Draft202012Validator(schema()).iter_errors(value)]


def test_the_published_schema_is_that_of_the_model() -> None:
    """`tombola campaign schema > docs/campaign.schema.json` writes it anew."""
    published = (DOCS / "campaign.schema.json").read_text(encoding="utf-8")
    assert CliRunner().invoke(app, ["schema"]).stdout == published
    assert json.loads(published)["$id"] == ADDRESS
    assert ADDRESS.endswith("docs/campaign.schema.json")
    Draft202012Validator.check_schema(json.loads(published))
    assert set(json.loads(published)["properties"]) == set(Campaign.model_fields)


def test_the_guide_names_the_schema_to_editors() -> None:
    assert f"# yaml-language-server: $schema={ADDRESS}\n" in (DOCS / "campaigns.md").read_text(encoding="utf-8")


def test_an_editor_accepts_a_good_file(file: dict[str, Any]) -> None:
    assert faults(file) == []
    assert faults({**file, "weekly_hours": [{"days": ["monday"], "begins": "09:00"}]}) == []


@pytest.mark.parametrize("chance", ["1/1000", "0.001", 0.001])
def test_an_editor_accepts_every_way_to_write_a_chance(chance: object, file: dict[str, Any]) -> None:
    prize = {"name": "note", "kind": "fixed", "amount": 5, "chance": chance}
    odds = {"prizes": [prize], "draw": {"kind": "odds", "maximum_plays": 9}}
    assert faults({**file, **odds}) == []
    Campaign.model_validate({**read(json.dumps({**file, **odds})).value})


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"game": "roulette"}, "game"),
        ({"titel": "x"}, ""),
        ({"window": {"opens": "1 March", "closes": "2027-04-01", "time_zone": "UTC"}}, "window.opens"),
        ({"reveal_by": "2027-05-31 00:00:00"}, "reveal_by"),
        ({"pool": {"amount": -1, "currency": "USD"}}, "pool.amount"),
        ({"prizes": [{"name": "x", "kind": "fixed", "amount": 1, "chance": "often"}]}, "prizes.0.chance"),
        ({"weekly_hours": [{"days": ["monday"], "begins": "25:00"}]}, "weekly_hours.0.begins"),
    ],
)
def test_an_editor_marks_what_no_file_may_say(changed: dict[str, Any], where: str, file: dict[str, Any]) -> None:
    assert faults({**file, **changed}) == [where]
