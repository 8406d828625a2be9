from recwatch.health.secrets import hide


def test_what_is_known_to_be_secret_is_hidden_however_it_is_quoted() -> None:
    assert hide("user p%40ss, p@ss and token=abc", "p%40ss", None, "", "token=abc") == "user ***, *** and ***"
