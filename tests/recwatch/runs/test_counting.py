from prometheus_client import CollectorRegistry, Counter

from recwatch.runs.counting import count_up_to, counted


def test_a_counter_goes_up_to_what_is_known_and_never_falls(registry: CollectorRegistry) -> None:
    counter = Counter("runs_total", "Runs.", ["model", "status"], registry=registry)
    labels = {"model": "als", "status": "completed"}
    assert counted(counter, **labels) == 0
    for total, now in ((7, 7), (9, 9), (3, 9)):
        count_up_to(counter, total, **labels)
        assert counted(counter, **labels) == now
    assert counted(counter, model="als", status="failed") == 0
