"""The page's HTML: models, what a person should know before a change, and what became of one."""

import shutil
from typing import Any

import pytest
from sqlalchemy import update

from recwatch_bridge.retraining import rollbacks
from recwatch_bridge.storage import schema


def part(page: str, identity: str, end: str) -> str:
    return page.partition(f'id="{identity}"')[2].partition(end)[0]


def page_of(site: Any, path: str = "") -> str:
    text: str = site.login().get(f"{site.url}/{path}", timeout=20).text
    return text


def test_a_version_that_is_not_loaded_needs_a_person(site: Any, add_run: Any, clock: Any) -> None:
    run = add_run("promoted", version="v2", finished=clock() - 60, reload="failed", error="it answered 500")
    page = page_of(site)
    attention = part(page, "attention", "</section>")
    assert "<title>(!) Overview" in page
    assert 'id="call-missed-als"' in attention
    assert "could not be told to load it: it answered 500." in attention
    assert "not loaded" in part(page, "model-als", "</article>")
    assert "not loaded" in part(page, f"run-{run}", "</tr>")
    assert "could not be told to load it" in page_of(site, f"runs/{run}")
    browser = site.login()
    csrf = part(browser.get(site.url, timeout=20).text, "reload-als", "</form>")
    token = csrf.partition('name="csrf" value="')[2].partition('"')[0]
    answer = browser.post(
        f"{site.url}/models/als/reload", data={"csrf": token}, headers={"Origin": site.url}, timeout=20
    )
    assert "The service is being told to load it" in answer.text
    assert 'id="call-none"' in answer.text
    assert "is being told to load it" in page_of(site, f"runs/{run}")


def test_a_rollback_that_is_not_loaded_is_no_success(site: Any, clock: Any) -> None:
    with site.store.write() as connection:
        change = rollbacks.create(connection, "als", trigger="manual", reason="by ana", now=clock())
        done = {"state": "done", "target": "v2", "finished": clock() - 60, "reload": "failed"}
        connection.execute(update(schema.rollbacks).values(**done, error="no answer"))
    row = part(page_of(site), f"change-{change}", "</tr>")
    assert 'class="state failed"' in row
    assert "not loaded" in row


def test_who_promotes_sees_what_is_known_of_each_version(site: Any, add_run: Any) -> None:
    add_run("refused", version="v3", gate='{"passed": false, "summary": "worse"}')
    choice = part(page_of(site), "promote-als", "</select>")
    assert '<option value="">choose one</option>' in choice
    assert "selected" not in choice, "nothing is chosen for anybody"
    assert '<option value="v3">v3 · ndcg@10 0.21 · refused by the gate</option>' in choice
    assert '<option value="v1">v1 · ndcg@10 0.19 · was in service</option>' in choice
    site.registry.rollback(reason="bad")
    (site.registry.folder / "v3" / "manifest.json").write_text("{", encoding="utf-8")
    choice = part(page_of(site), "promote-als", "</select>")
    assert '<option value="v2">v2 · ndcg@10 0.2 · rolled back</option>' in choice
    assert '<option value="v3" disabled>v3 · damaged</option>' in choice


@pytest.mark.parametrize(
    ("row", "remark"),
    [
        ({"state": "failed"}, "its run failed"),
        ({"state": "refused", "gate": '{"passed": true}', "error": "rejected by ana"}, "refused"),
        ({"state": "approving", "gate": '{"passed": true, "summary": "good"}'}, "waits for approval"),
    ],
)
def test_what_became_of_a_version_s_run_is_said(site: Any, add_run: Any, row: Any, remark: str) -> None:
    add_run(version="v3", **row)
    assert f"0.21 · {remark}</option>" in part(page_of(site), "promote-als", "</select>")


def test_a_version_in_service_whose_folder_is_gone_needs_a_person(site: Any) -> None:
    shutil.rmtree(site.registry.folder / "v2")
    page = page_of(site)
    attention = part(page, "attention", "</section>")
    assert f"v2 is in service, but {site.registry.folder}/v2 is not there: restore it" in attention
    assert "damaged" in part(page, "model-als", "</article>")
    assert "is not there" in site.get("/api/v1/models").json()[0]["error"]
    assert '<option value="v3">' in page, "another one can be promoted"


@pytest.mark.parametrize(
    ("watch", "sign"),
    [("rolled_back", "rolled back"), ("rolling_back", "rolling back"), ("passed", "promoted")],
)
def test_a_promotion_that_the_watch_undid_is_no_success(
    site: Any, add_run: Any, watch: str, sign: str
) -> None:
    run = add_run("promoted", version="v2", watch=watch, reload="done")
    row = part(page_of(site), f"run-{run}", "</tr>")
    assert f"</svg>{sign}</span>" in row
    assert ('class="state good"' in row) == (watch == "passed")


def test_a_run_that_waits_says_why_and_can_be_cancelled(site: Any, add_run: Any, clock: Any) -> None:
    add_run("failed", started=clock() - 700, finished=clock() - 600)
    run = site.post("/retrain/als").json()["run"]
    page = page_of(site, f"runs/{run}")
    assert "after the cooldown, 1 h from the end of the last run" in page
    assert 'class="at">2027-01-15 08:50 UTC</small>' in page
    assert "after the cooldown" in part(page_of(site), "model-als", "</article>")
    browser = site.login()
    form = part(browser.get(f"{site.url}/runs/{run}", timeout=20).text, f"cancel-{run}", "</form>")
    token = form.partition('name="csrf" value="')[2].partition('"')[0]
    answer = browser.post(
        f"{site.url}/runs/{run}/cancel",
        data={"csrf": token, "reason": "wrong model"},
        headers={"Origin": site.url},
        timeout=20,
    )
    assert "Cancelled. The run does not begin." in answer.text
    assert "cancelled by ana: wrong model" in answer.text
    assert "Cancel the run" not in answer.text


def test_why_somebody_approved_is_shown(site: Any, busy: Any) -> None:
    site.post(f"/api/v1/runs/{busy.approving}/approve", json={"reason": "looks good"})
    assert "<dd>ana: looks good</dd>" in page_of(site, f"runs/{busy.approving}")
