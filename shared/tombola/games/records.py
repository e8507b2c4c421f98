"""What the stored documents of games have in common, and how a campaign version is written."""

from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict

from tombola.campaigns.model import Launched


class CampaignVersion(NamedTuple):
    """One launched version of a campaign: it has its own keys, rules, money and limits."""

    campaign: str
    version: int

    @property
    def text(self) -> str:
        """How documents name it, in the indexed field `campaign`: `<campaign>/v<version>`."""
        return f"{self.campaign}/v{self.version}"

    @property
    def parts(self) -> tuple[str, str]:
        """How keys begin with it."""
        return (self.campaign, str(self.version))

    @classmethod
    def parse(cls, text: str) -> "CampaignVersion":
        """Return what `text` made a text of."""
        campaign, _, version = text.rpartition("/v")
        return cls(campaign, int(version))


def version_of(launched: Launched) -> CampaignVersion:
    """Return which version was launched."""
    return CampaignVersion(launched.rules.campaign, launched.version)


class Record(BaseModel):
    """One stored document as a frozen value. Every commit that writes it increments `revision`.

    The increment is what makes a rewrite visible to whoever read the document before: a commit
    guards only what it writes.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    COLLECTION: ClassVar[str]

    campaign: str
    revision: int = 1

    @property
    def parts(self) -> tuple[str, ...]:
        """The typed key's parts."""
        raise NotImplementedError

    @property
    def of(self) -> CampaignVersion:
        """The campaign version it belongs to."""
        return CampaignVersion.parse(self.campaign)

    def fields(self) -> dict[str, Any]:
        """Return the document's fields."""
        return self.model_dump()
