import numpy as np
import pytest

from recwatch_exporter.statistics.dispersion import Dispersion, dispersion

WEEKS = 8
PHASES = np.tile(np.arange(7), WEEKS)
USUAL = np.array([1000.0, 1000, 900, 900, 800, 400, 200])


def estimated(counts: np.ndarray) -> Dispersion:
    means = np.bincount(PHASES, weights=counts) / WEEKS
    return dispersion(counts, means[PHASES], PHASES)


def test_one_phase_is_pearsons_dispersion() -> None:
    counts = np.random.default_rng(0).negative_binomial(10, 0.01, 30).astype(float)

    found = dispersion(counts, np.full(30, counts.mean()), np.zeros(30, dtype=np.int64))

    assert (found.tau, found.freedom) == (0.0, 29)
    ratio, freedom = found.at(counts.mean())
    assert ratio == pytest.approx(counts.var(ddof=1) / counts.mean(), rel=1e-12)
    assert freedom == pytest.approx(29, rel=1e-12)


def test_regression_is_the_weighted_one() -> None:
    """At the solution, the weighted residuals are orthogonal to both terms."""
    counts = USUAL[PHASES] * np.random.default_rng(4).gamma(25, 1 / 25, len(PHASES))
    counts += 8 * np.sqrt(USUAL[PHASES]) * np.random.default_rng(5).normal(size=len(PHASES))
    table = counts.reshape(WEEKS, 7)
    means, sample = table.mean(axis=0), table.var(axis=0, ddof=1)

    found = estimated(counts)

    assert min(found.phi, found.tau) > 0
    fitted = found.variance(means)
    for term in (means, means**2):
        assert np.sum((sample - fitted) * term / fitted**2) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(("phi", "tau"), [(1.0, 0.0), (5.0, 0.0), (1.0, 0.02), (1.0, 0.1), (5.0, 0.1)])
def test_estimates_on_average(phi: float, tau: float) -> None:
    rng = np.random.default_rng(1)
    ratios, spreads = [], []
    for _ in range(400):
        rates = USUAL[PHASES] * (rng.gamma(1 / tau, tau, len(PHASES)) if tau else 1.0)
        counts = rng.poisson(rates) if phi == 1 else rng.negative_binomial(rates / (phi - 1), 1 / phi)
        found = estimated(counts.astype(float))
        ratios.append([found.at(200)[0], found.at(1000)[0]])
        spreads.append([found.at(200)[1], found.at(1000)[1]])

    quiet, busy = np.mean(ratios, axis=0)
    assert quiet == pytest.approx(phi + tau * 200, rel=0.2)
    assert busy == pytest.approx(phi + tau * 1000, rel=0.08)
    assert 2 * busy**2 / np.var(ratios, axis=0)[1] == pytest.approx(np.mean(spreads, axis=0)[1], rel=0.5)


def test_neither_is_below_zero() -> None:
    rng = np.random.default_rng(2)
    found = [estimated(rng.poisson(USUAL[PHASES]).astype(float)) for _ in range(100)]

    assert min(item.phi for item in found) >= 0
    assert min(item.tau for item in found) >= 0
    assert all(item.at(300)[1] <= 49 for item in found)


def test_no_figure_depends_on_the_unit() -> None:
    counts = USUAL[PHASES] * np.random.default_rng(3).gamma(10, 1 / 10, len(PHASES))
    found, thousands = estimated(counts), estimated(1e6 * counts)

    assert thousands.tau == pytest.approx(found.tau, rel=1e-9)
    assert thousands.at(1e9) == pytest.approx((1e6 * found.at(1e3)[0], found.at(1e3)[1]), rel=1e-9)


def test_counts_like_clockwork() -> None:
    ratio, freedom = estimated(USUAL[PHASES]).at(500)

    assert 0.6 < ratio < 1
    assert freedom == 49
