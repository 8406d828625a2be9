import gc
import sys

from recwatch.turns import ShortTurns, let_go


def test_settings_change_inside_and_come_back_outside() -> None:
    turns = ShortTurns()
    usual = sys.getswitchinterval()
    with turns:
        assert (round(sys.getswitchinterval(), 4), gc.isenabled()) == (0.0005, False)
        with turns:
            pass
        assert (round(sys.getswitchinterval(), 4), gc.isenabled()) == (0.0005, False)
    assert (sys.getswitchinterval(), gc.isenabled()) == (usual, True)


def test_a_service_that_collects_no_garbage_goes_on_so() -> None:
    gc.disable()
    try:
        with ShortTurns():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_containers_are_emptied() -> None:
    items, table = [1, 2, 3], {"a": 1}
    let_go([items, table])
    assert (items, table) == ([], {})
