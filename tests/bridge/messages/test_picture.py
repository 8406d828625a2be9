import io
import math
from concurrent.futures import ThreadPoolExecutor

import matplotlib.image
import numpy as np
import pytest

from recwatch_bridge.messages.picture import draw
from recwatch_bridge.prometheus import Series

END = 1_800_000_000.0
TIMES = tuple(END - 3600 + 60 * minute for minute in range(61))


def series(value: float = 0.1, times: tuple[float, ...] = TIMES, **labels: str) -> Series:
    return Series(labels, times, tuple(value + 0.001 * number for number in range(len(times))))


def pixels(png: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return np.asarray(matplotlib.image.imread(io.BytesIO(png), format="png"), dtype=float)


def has(png: bytes, colour: tuple[int, int, int]) -> bool:
    found = np.round(pixels(png)[:, :, :3] * 255)
    return bool((found == colour).all(axis=2).any())


def test_one_series_with_its_threshold() -> None:
    png = draw([series()], title="DriftDetected", since=END - 600, end=END, threshold=0.12)
    assert pixels(png).shape == (420, 1040, 4)
    assert has(png, (0x00, 0x72, 0xB2))
    assert has(png, (0xB3, 0x20, 0x2C))


def test_without_a_threshold() -> None:
    png = draw([series()], title="DriftDetected", since=END - 600, end=END)
    assert not has(png, (0xB3, 0x20, 0x2C))


def test_several_series_get_a_legend() -> None:
    many = [series(number, feature=f"f{number}") for number in range(9)]
    height = pixels(draw(many, title="t", since=END, end=END)).shape[0]
    assert height > 420


@pytest.mark.parametrize(
    "odd",
    [
        Series({}, (END,), (1.0,)),
        Series({}, TIMES[:3], (math.nan, math.inf, 2.0)),
        Series({}, TIMES[:2], (math.nan, math.nan)),
        Series({"a": "$x_1$ \\frac{1}{0}"}, TIMES[:2], (0.0, 0.0)),
        Series({"a": "漢字 \U0001f525"}, (END - 3600, END - 3540, END), (1e12, 1e12, 1e12)),
    ],
)
def test_whatever_prometheus_says_is_drawn(odd: Series) -> None:
    drawn = draw([odd, series(a="_b")], title="$漢$ \\ {" * 20, since=END - 60, end=END, threshold=math.inf)
    assert drawn.startswith(b"\x89PNG")


def test_several_threads_draw_the_same() -> None:
    def one(_: int) -> bytes:
        return draw([series(a="1"), series(a="2")], title="t", since=END - 60, end=END, threshold=0.1)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(one, range(8)))) == 1
