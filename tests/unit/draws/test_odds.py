"""What is promised is what is drawn: to the last token where it is exact, by chi-square where it is chance."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from tombola.campaigns.winning import SPACE, Prize
from tombola.digests import keyed
from tombola.draws.odds import number, prize_of, thresholds

SEED = bytes(range(32))
TOKENS = 1_000_000


def prizes(*chances: str) -> list[Prize]:
    return [
        Prize.model_validate({"name": f"p{index}", "kind": "fixed", "amount": "5", "chance": chance})
        for index, chance in enumerate(chances)
    ]


def test_a_tokens_number_is_the_first_eight_bytes_of_its_keyed_digest() -> None:
    drawn = number(SEED, "rules", "a witness", "ab" * 32)
    said = keyed(SEED, "tombola.odds.v1", "rules", "a witness", "ab" * 32)
    assert drawn == int.from_bytes(said[:8], "big")
    assert drawn != number(SEED, "rules", "another witness", "ab" * 32)


def test_ranges_are_whole_numbers_cut_down_and_never_rounded_up() -> None:
    assert thresholds(prizes("1/3", "1/3")) == (SPACE // 3, SPACE * 2 // 3)
    assert thresholds(prizes("1/2", "1/2"))[-1] == SPACE


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=6), st.integers(0, SPACE - 1))
def test_every_number_lies_in_one_range_or_loses(parts: list[int], drawn: int) -> None:
    whole = sum(parts) * 2
    limits = thresholds(prizes(*(f"{part}/{whole}" for part in parts)))
    index = prize_of(drawn, limits)
    inside = [low <= drawn < high for low, high in zip((0, *limits), limits, strict=False)]
    assert inside.count(True) == (index is not None)
    assert index is None or inside[index]


@given(st.lists(st.integers(1, 10**17), min_size=1, max_size=8))
def test_a_prizes_share_of_all_numbers_is_its_chance_to_within_one(parts: list[int]) -> None:
    whole = sum(parts)
    limits = thresholds(prizes(*(f"{part}/{whole}" for part in parts)))
    for part, low, high in zip(parts, (0, *limits), limits, strict=False):
        assert abs(Fraction(high - low) - Fraction(part, whole) * SPACE) <= 1


def test_a_million_tokens_win_as_often_as_promised() -> None:
    chances = ("1/1000", "1/50", "0.1")
    limits, found = thresholds(prizes(*chances)), [0, 0, 0, 0]
    for token in range(TOKENS):
        index = prize_of(number(SEED, "rules", "a witness", f"{token:064x}"), limits)
        found[3 if index is None else index] += 1
    expected = [float(Fraction(chance) * TOKENS) for chance in chances]
    assert chisquare(found, [*expected, TOKENS - sum(expected)]).pvalue > 0.001
