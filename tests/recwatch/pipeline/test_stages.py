import json

from recwatch.pipeline.stages import MOST, Stages


def test_times_add_up_by_name_in_the_order_of_their_beginnings() -> None:
    stages = Stages()
    for name in ("read", "encode"):
        assert stages.begin(name)
    assert stages.end("encode", 1.25, "completed") == 1.25
    assert json.loads(stages.as_json()) == [
        {"stage": "read", "seconds": 0.0, "status": "running"},
        {"stage": "encode", "seconds": 1.25, "status": "completed"},
    ]
    assert stages.begin("encode")
    assert stages.end("encode", 0.5, "failed") == 1.75
    assert json.loads(stages.as_json())[1] == {"stage": "encode", "seconds": 1.75, "status": "failed"}


def test_there_is_room_for_so_many_names_and_no_more() -> None:
    stages = Stages()
    assert all(stages.begin(f"user_{number}") for number in range(MOST))
    assert not stages.begin("one_more")
    assert stages.end("one_more", 1.0, "completed") is None
    assert stages.begin("user_0")
    assert len(json.loads(stages.as_json())) == MOST
