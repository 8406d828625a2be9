from recwatch.health.secrets import hide


def test_what_is_known_to_be_secret_is_hidden_however_it_is_quoted() -> None:
    assert hide("user p%40ss, p@ss and token=abc", "p%40ss", None, "", "token=abc") == "user ***, *** and ***"


def test_a_secret_that_is_not_quoted_is_hidden_where_a_url_quotes_it() -> None:
    assert hide("postgresql://u:p%40ss@h failed", "p@ss") == "postgresql://u:***@h failed"
    assert hide("a%2Fb%20c a/b%20c a%2Fb c a/b c", "a/b c") == "*** *** *** ***"
    assert hide("half of a pair", "\ud800") == "half of a pair"
