# ruff: noqa: INP001 - a program, no package
"""Writes two weeks of made-up ratings, `last_week.csv` and `this_week.csv`, beside this file.

In the second week people may give half stars, and a TV app comes that does not send the country. Which items
are rated, and how long people watch, stays as it was.
"""

import csv
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

USERS = 300
ITEMS = 40
COLUMNS = ("user_id", "item_id", "rating", "minutes", "device", "country", "timestamp")
COUNTRIES = ("DE", "FI", "FR", "IT")
ON_TV = 0.15
HALF_STARS = 0.4


def week(start: datetime, rng: random.Random, *, updated: bool) -> Iterator[tuple[object, ...]]:
    """The rows of one week, those of a user together: each rates about seven items, in a way of his own."""
    popularity = [1 / (item + 1) for item in range(ITEMS)]
    for user in range(USERS):
        own = random.Random(user)  # noqa: S311 - the same person in both weeks
        taste, country, device = own.gauss(3.5, 0.7), own.choice(COUNTRIES), own.choice(("phone", "web"))
        if updated and rng.random() < ON_TV:
            country, device = "", "tv"
        for _ in range(rng.randint(1, 13)):
            (item,) = rng.choices(range(ITEMS), popularity)
            stars = rng.gauss(taste, 1)
            stars = round(stars * 2) / 2 if updated and rng.random() < HALF_STARS else round(stars)
            when = start + timedelta(seconds=rng.randrange(7 * 86_400))
            minutes = round(rng.lognormvariate(3, 0.8), 1)
            yield (
                user,
                item,
                f"{min(max(stars, 1), 5):.1f}",
                minutes,
                device,
                country,
                f"{when:%Y-%m-%dT%H:%M:%SZ}",
            )


def main() -> None:
    """Write both files."""
    rng = random.Random(2026)  # noqa: S311 - made-up data
    first = datetime(2026, 10, 5, tzinfo=UTC)
    for name, start, updated in (
        ("last_week", first, False),
        ("this_week", first + timedelta(days=7), True),
    ):
        with (Path(__file__).parent / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(week(start, rng, updated=updated))


if __name__ == "__main__":
    main()
