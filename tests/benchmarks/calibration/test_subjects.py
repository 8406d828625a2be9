import pytest

from benchmarks.calibration.contests import CONTESTS
from benchmarks.calibration.nulls import NULLS
from benchmarks.calibration.peer_driver import TESTS
from benchmarks.calibration.splits import Splits, count_alarms, make_check
from benchmarks.calibration.subjects import SUBJECTS, Subject, subject_of, tried_types
from benchmarks.environments import DRIFT_PEERS
from recwatch_exporter.checks.base import CheckType
from recwatch_exporter.checks.table import TYPES

CASES = [
    pytest.param(kind.name, null.name, id=f"{kind.name}-{null.name}")
    for kind in tried_types()
    for null in (SUBJECTS[kind.name].nulls if kind.name in SUBJECTS else NULLS.values())
]


@pytest.mark.parametrize("kind", tried_types(), ids=lambda kind: kind.name)
def test_every_type_with_a_p_value_is_calibrated(kind: CheckType) -> None:
    subject = subject_of(kind)

    assert subject.nulls
    assert all(subject.left_out.values()), "what is left out has a reason"


@pytest.mark.parametrize(("name", "null"), CASES)
def test_every_type_gives_a_p_value_on_its_data(name: str, null: str) -> None:
    found = count_alarms(Splits(name, null, 0, 1, permutations=19))

    assert (found.splits, found.undefined) == (1, 0)


def test_the_same_splits_give_the_same_alarms() -> None:
    splits = Splits("ks", "blocks", 0, 5, permutations=39)

    first, second = (count_alarms(splits) for _ in range(2))

    assert (first.alarms, first.plain) == (second.alarms, second.plain)


def test_a_type_that_nobody_tries_is_named() -> None:
    kind = TYPES["embedding"]

    with pytest.raises(LookupError, match="embedding has a p-value and is not calibrated: say in"):
        subject_of(kind)


def test_what_is_left_out_is_not_tried() -> None:
    subject = Subject({"column": "amount"}, left_out={"users": "it has none"})

    assert [null.name for null in subject.nulls] == [name for name in NULLS if name != "users"]


@pytest.mark.parametrize("name", CONTESTS)
def test_contests_name_tests_and_libraries_that_are_there(name: str) -> None:
    contest = CONTESTS[name]

    assert contest.shifts[0] == 0
    assert set(contest.peers) <= DRIFT_PEERS.keys()
    assert set(contest.peers.values()) <= TESTS.keys()
    if contest.type in TYPES:
        make_check(TYPES[contest.type], contest.keys, permutations=99)
