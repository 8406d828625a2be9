import os
import subprocess
import sys
from pathlib import Path

import pytest

from recwatch.say import answer, remark

SCRIPT = """
from recwatch.say import CannotAnswerError, answer
try:
    answer("x")
except CannotAnswerError as error:
    raise SystemExit(str(error))
"""


def test_answers_and_remarks_go_two_ways(capsys: pytest.CaptureFixture[str]) -> None:
    answer("an answer")
    remark("a remark")
    assert capsys.readouterr() == ("an answer\n", "a remark\n")


def test_answer_that_does_not_get_there_is_an_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        ended = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (1, "the answer cannot be written: [Errno 32] Broken pipe\n")
