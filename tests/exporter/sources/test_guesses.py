import pytest

from recwatch_exporter.sources.guesses import guessed_files


@pytest.mark.parametrize(
    ("query", "files"),
    [
        ("SELECT x FROM 'a.csv' WHERE x > 1", ("a.csv",)),
        ('FROM "data/a.JSONL.gz"', ("data/a.JSONL.gz",)),
        ("SELECT * FROM 'a.parquet', 'b.csv' JOIN 'c.json' USING (x)", ("b.csv", "c.json")),
        ("SELECT * FROM (SELECT * FROM 'a.csv' UNION ALL FROM 'a.csv')", ("a.csv",)),
        ("SELECT * FROM read_csv('a.csv', header = true)", ("a.csv",)),
        ("SELECT * FROM Read_CSV_auto(['a.csv', 'b.csv'])", ("a.csv", "b.csv")),
        ("SELECT * FROM read_csv('a.txt')", ("a.txt",)),
        ("SELECT * FROM read_csv('a.csv', sample_size = -1), 'b.tsv'", ("b.tsv",)),
        ("SELECT * FROM read_json('*.json', SAMPLE_SIZE = -1)", ()),
        ("SELECT * FROM read_csv('a.csv', types = {'x': 'DOUBLE'})", ()),
        ("SELECT * FROM read_parquet('a.parquet')", ()),
        ("SELECT * FROM 'a.parquet' WHERE name = 'b.csv'", ()),
        ("SELECT 'a.csv' AS name", ()),
        ("SELECT * FROM 'a.parquet' WHERE name IN ('a.csv', 'b.csv')", ()),
    ],
)
def test_files_whose_types_are_guessed(query: str, files: tuple[str, ...]) -> None:
    assert guessed_files(query) == files
