from collections import Counter

import pytest

from recommender.rerank_test import RERANK, TEST, arm_of


def test_a_list_has_its_arm_in_every_process_and_release() -> None:
    assert [arm_of(f"list-{number}") for number in range(1, 5)] == [RERANK, RERANK, RERANK, RERANK]


def test_the_arms_get_their_shares() -> None:
    counts = Counter(arm_of(f"{number:016x}") for number in range(20_000))
    assert set(counts) == set(TEST.shares)
    for arm, share in TEST.shares.items():
        assert counts[arm] / 20_000 == pytest.approx(share, abs=0.015)
