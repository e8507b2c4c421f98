"""`export_report` under the real functions-framework, over real embedded adapters."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from flask.testing import FlaskClient

from tombola.campaigns.usecases import commit_campaign, launch_campaign
from tombola.ports import Ports

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")  # Ibis 12 asks DuckDB 2 so

ROOT = Path(__file__).resolve().parents[2]
FUNCTION = ROOT / "functions/export_report"
FILE = ROOT / "tests/unit/campaigns/files/wheel.yaml"


@pytest.fixture
def client(client: Callable[[str], FlaskClient]) -> FlaskClient:
    return client("export_report")


def test_a_report_is_written_and_its_place_answered(client: FlaskClient, ports: Ports) -> None:
    campaign = yaml.safe_load(FILE.read_bytes())["campaign"]
    commit_campaign(ports, FILE.read_bytes(), id_key=bytes(range(32)), seed=bytes(range(32, 64)))
    launched = launch_campaign(ports, campaign, "a witness")
    answer = client.post("/", json={"campaign": campaign, "version": launched.version})
    assert answer.status_code == 200, answer.text
    body = answer.get_json()
    assert body["reconciled"] is True
    with ports.objects.open(ports.objects.stat(body["bucket"], body["html"]).ref) as page:
        assert page.read().startswith(b"<!doctype html>")


def test_the_sample_names_a_campaign_that_this_home_does_not_know(client: FlaskClient) -> None:
    sample = json.loads((FUNCTION / "events/report.json").read_bytes())
    answer = client.post("/", json=sample)
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


def test_every_wrong_field_is_named_at_once(client: FlaskClient) -> None:
    answer = client.post("/", json={"campaign": "../etc", "version": 0, "more": 1})
    assert answer.status_code == 422
    assert {problem["where"] for problem in answer.get_json()["problems"]} >= {"campaign", "version", "more"}
