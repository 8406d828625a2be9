import pytest

from recwatch_exporter.web.layout import content_security_policy, document, message_page, root_of, time_text


def test_the_policy_allows_no_script_and_nothing_from_elsewhere() -> None:
    policy = content_security_policy()
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    ("path", "root"), [("/", "./"), ("/nothing", "./"), ("/checks/a", "../"), ("/a/b/c", "../../")]
)
def test_links_work_behind_a_proxys_path(path: str, root: str) -> None:
    assert root_of(path) == root
    page = message_page("No such page", "Nothing.", root=root)
    for target in ("", "metrics", "api/v1/checks", "favicon.svg"):
        assert f'href="{root}{target}"' in page


def test_a_document_refreshes_only_where_it_is_told() -> None:
    assert 'http-equiv="refresh"' in document("t", root="./", refresh=True)
    assert "http-equiv" not in document("t", root="./")


def test_titles_are_escaped() -> None:
    assert "<title>&lt;b&gt;</title>" in document("<b>", root="./")


def test_times_are_told_to_people_and_to_programs() -> None:
    assert time_text(0, 90) == (
        '<time datetime="1970-01-01T00:00:00Z" title="1970-01-01 00:00:00 UTC">1 min ago</time>'
    )
