from recwatch.extras import lacking


def test_it_keeps_what_is_missing_and_adds_what_to_install() -> None:
    error = lacking(ModuleNotFoundError("No module named 'numpy'", name="numpy"), "recwatch[scores]")
    assert str(error) == "No module named 'numpy': pip install 'recwatch[scores]'"
    assert error.name == "numpy"
