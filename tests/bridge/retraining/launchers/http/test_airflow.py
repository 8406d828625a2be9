import json
from collections.abc import Iterator

import pytest

from recwatch.testing.airflow import AirflowServer
from recwatch.testing.faults import Fault
from recwatch_bridge.retraining.launchers.base import Ended, LaunchError, Order, Running
from recwatch_bridge.retraining.launchers.http.airflow import AirflowApi, read_xcom
from recwatch_bridge.retraining.launchers.http.launcher import HttpLauncher

PASSWORD = "a secret: word"
RESULT = {"version": "v2", "metrics": {}, "samples": 1}


@pytest.fixture(params=[2, 3])
def server(request: pytest.FixtureRequest) -> Iterator[AirflowServer]:
    with AirflowServer(version=request.param, password=PASSWORD) as opened:
        yield opened


def launcher(server: AirflowServer, *, password: str = PASSWORD, dag: str = "retrain") -> HttpLauncher:
    api = AirflowApi(
        server.url,
        version=server.version,
        dag=dag,
        result_task="result",
        user="recwatch",
        password=password,
    )
    return HttpLauncher(api, poll=0.0, patience=0.0)


def test_a_run_that_is_there_already_is_it(server: AirflowServer, order: Order) -> None:
    launcher(server).launch(order)
    handle = launcher(server).launch(order)
    assert "unknown" not in handle
    assert len(server.runs) == 1


def test_a_wrong_password_is_said_and_not_repeated(server: AirflowServer, order: Order) -> None:
    with pytest.raises(LaunchError, match=r"Airflow did not take the DAG run: .*answered 401") as caught:
        launcher(server, password="wrong-word").launch(order)
    assert "wrong-word" not in str(caught.value)
    assert server.runs == []


@pytest.mark.parametrize(("fault", "wait"), [(Fault(503), 60), (Fault(None), 30), (Fault(401), None)])
def test_a_login_that_meets_an_outage_is_worth_another_try(
    order: Order, fault: Fault, wait: int | None
) -> None:
    with AirflowServer(version=3, password=PASSWORD) as server:
        server.misbehave(fault)
        with pytest.raises(LaunchError) as caught:
            launcher(server).launch(order)
        assert caught.value.retry_after == wait
        assert server.runs == []


def test_a_dag_that_is_not_there_is_said(server: AirflowServer, order: Order) -> None:
    with pytest.raises(LaunchError, match="it answered 404: DAG with dag_id: 'none' not found"):
        launcher(server, dag="none").launch(order)


def test_the_page_of_a_run_is_linked(server: AirflowServer, order: Order) -> None:
    launch = launcher(server)
    found = launch.look(order, launch.launch(order))
    assert isinstance(found, Running)
    assert found.log_url in {
        f"{server.url}/dags/retrain/grid?dag_run_id={order.run_id}",
        f"{server.url}/dags/retrain/runs/{order.run_id}",
    }


def test_a_token_that_ran_out_is_fetched_anew(order: Order) -> None:
    with AirflowServer(version=3, password=PASSWORD) as server:
        launch = launcher(server)
        launch.look(order, None)
        server.expire_token()
        handle = launch.launch(order)
        server.expire_token()
        assert isinstance(launch.look(order, handle), Running)
        assert len(server.runs) == 1
        assert [path for _, path in server.requests].count("/auth/token") == 3


def test_a_result_that_is_an_object(order: Order) -> None:
    with AirflowServer(version=3, password=PASSWORD) as server:
        launch = launcher(server)
        handle = launch.launch(order)
        server.runs[0].finish(returned=RESULT)
        assert isinstance(found := launch.look(order, handle), Ended)
        assert (found.exit_code, found.error) == (0, None)
    assert json.loads(order.result.read_bytes()) == RESULT


def test_what_cannot_be_read_says_what_to_return(order: Order) -> None:
    with AirflowServer(version=2, password=PASSWORD) as server:
        launch = launcher(server)
        handle = launch.launch(order)
        server.runs[0].finish(returned=RESULT)  # Comes as Python writes it.
        assert isinstance(found := launch.look(order, handle), Ended)
        assert found.error is not None
        assert found.error.endswith("is no JSON object: let it return json.dumps(result)")


def test_xcoms() -> None:
    text = json.dumps(RESULT)
    for value in (RESULT, text, json.dumps(text)):
        assert json.loads(read_xcom(value) or b"") == RESULT
    for unusable in (None, 3, [1], "text", "[1]", "[" * 100_000, json.dumps(json.dumps(text))):
        assert read_xcom(unusable) is None
