from recwatch_exporter.web.bars import Bins, histogram, weights, without_other


def test_short_labels_are_columns() -> None:
    bins = Bins(labels=("4", "4.5"), reference=(0.5, 0.5), current=(0.25, 0.75))
    assert histogram(bins, "shares") == (
        '<svg class="bars" role="img" aria-label="shares" width="100%" height="154">'
        '<line class="grid" x1="0%" x2="100%" y1="14" y2="14"/><text x="0%" y="10">75 %</text>'
        '<line class="axis" x1="0%" x2="100%" y1="134" y2="134"/>'
        "<g><title>4: reference 50 %, current 25 %</title>"
        '<rect class="reference" x="4.00%" width="42.00%" y="54" height="80"/>'
        '<rect class="current" x="15.00%" width="20.00%" y="94" height="40"/></g>'
        '<text x="25.00%" y="148" text-anchor="middle">4</text>'
        "<g><title>4.5: reference 50 %, current 75 %</title>"
        '<rect class="reference" x="54.00%" width="42.00%" y="54" height="80"/>'
        '<rect class="current" x="65.00%" width="20.00%" y="14" height="120"/></g>'
        '<text x="75.00%" y="148" text-anchor="middle">4.5</text></svg>'
    )


def test_long_labels_are_rows() -> None:
    bins = Bins(labels=("a category of films",), reference=(0.5,), current=(0.25,))
    assert histogram(bins, "shares") == (
        '<svg class="bars" role="img" aria-label="shares" width="100%" height="24">'
        "<g><title>a category of films: reference 50 %, current 25 %</title>"
        '<text x="0%" y="14">a category of films</text>'
        '<rect class="reference" x="34%" width="44.00%" y="3" height="14"/>'
        '<rect class="current" x="34%" width="22.00%" y="7" height="6"/></g>'
        '<text x="100%" y="14" text-anchor="end">50 → 25 %</text></svg>'
    )


def test_categories_are_rows_even_where_they_are_short_or_numbers() -> None:
    for labels in (("a", "b"), ("608", "7"), ("1", "other"), ("up to 1", "1 to 2"), ("1", "nan")):
        assert "→" in histogram(Bins(labels=labels, reference=(0.5, 0.5), current=(0.5, 0.5)), "")
    for labels in (("7", "608"), ("-1", "0.5"), ("0", "1e+20")):
        assert "→" not in histogram(Bins(labels=labels, reference=(0.5, 0.5), current=(0.5, 0.5)), "")


def test_the_rest_of_many_values_does_not_dwarf_them() -> None:
    many = Bins(labels=("7", "8", "other"), reference=(0.02, 0.01, 0.97), current=(0.01, 0.05, 0.94))
    head, note = without_other(many)
    assert head == Bins(labels=("7", "8"), reference=(0.02, 0.01), current=(0.01, 0.05))
    assert note == "not drawn: other, 97 % → 94 %"
    few = Bins(labels=("7", "other"), current=(0.4, 0.6))
    assert without_other(few) == (few, None)
    assert without_other(Bins(labels=("other",), current=(1.0,)))[1] is None


def test_one_series() -> None:
    drawn = histogram(Bins(labels=("a", "b"), current=(0.5, 0.5)), "")
    assert 'class="reference"' not in drawn
    assert "<title>a: 50 %</title>" in drawn


def test_many_bins_have_few_labels() -> None:
    numbers = tuple(str(number) for number in range(40))
    ranges = ("up to 0.5", *(f"{number}.25 to {number}.5" for number in range(38)), "above 39")
    shares = (1 / 40,) * 40
    assert histogram(Bins(labels=numbers, current=shares), "").count("text-anchor") == 10
    assert [
        anchor in histogram(Bins(labels=ranges, current=shares), "") for anchor in ("start", "middle", "end")
    ] == [True] * 3


def test_empty_bins_are_drawn() -> None:
    assert 'height="0"' in histogram(Bins(labels=("1",), current=(0.0,)), "")


def test_hostile_labels_are_text() -> None:
    label = "</text><script>alert(1)</script>"
    drawn = histogram(Bins(labels=(label,), current=(1.0,)), label) + weights([label], [1.0], label)
    assert "<script" not in drawn
    assert "&lt;/text&gt;&lt;script&gt;alert(…" in drawn


def test_weights() -> None:
    drawn = weights(["age", "price"], [0.1, 0.4], "importances")
    assert 'class="current" x="34%" width="11.00%" y="7" height="6"' in drawn
    assert 'class="current" x="34%" width="44.00%" y="27" height="6"' in drawn
    assert weights([], [], "none") == (
        '<svg class="bars" role="img" aria-label="none" width="100%" height="4"></svg>'
    )
