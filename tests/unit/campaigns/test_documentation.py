import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from tombola.campaigns.checking import CheckedCampaign, check
from tombola.campaigns.model import Campaign, Eligibility
from tombola.campaigns.selecting import Condition, Selection
from tombola.experiments.offers import Offer, OfferRequest, Why
from tombola.retailers.model import Retailer

GUIDE = (Path(__file__).parents[3] / "docs" / "campaigns.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_guides_file_is_accepted_and_is_the_one_all_tests_use(
    campaign: Campaign, retailers: Mapping[str, Retailer]
) -> None:
    checked = check(block("yaml"), retailers)
    assert isinstance(checked, CheckedCampaign)
    assert checked.campaign == campaign


def test_every_field_of_the_file_is_in_the_guide() -> None:
    tables = [line.split("|")[1] for line in GUIDE.splitlines() if line.startswith("|")]
    parts: tuple[type[BaseModel], ...] = (Selection, Eligibility)
    for name in [*Campaign.model_fields, *Condition.model_fields]:
        assert any(f"`{name}`" in cell for cell in tables), name
    for name in [field for part in parts for field in part.model_fields]:
        assert f"`{name}`" in GUIDE, name


def test_the_guides_request_and_answer_have_the_declared_form() -> None:
    OfferRequest.model_validate_json(block("http").split("\n", 1)[1])
    Offer.model_validate_json(block("json"), extra="forbid")


def test_every_reason_is_in_the_guide() -> None:
    assert all(f"`{why}`" in GUIDE for why in Why.__args__)
