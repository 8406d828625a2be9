"""Do the arms of a test get the traffic that they were to get? A test that may be looked at any time.

Lindon and Malek (2022, NeurIPS), "Anytime-valid inference for multinomial count data": the Bayes factor of
a Dirichlet prior over the arms' shares against the shares asked for is a martingale under the latter, so
that its inverse is an always-valid p-value (their sequential multinomial test). With counts x, shares theta
and a prior Dirichlet(a):

    O = Gamma(sum a) / Gamma(sum a + sum x) * prod Gamma(a_i + x_i) / Gamma(a_i) / prod theta_i^x_i.

It is exact at any sample size. Here a = (1, ..., 1): all shares alike.
"""

import math
from collections.abc import Sequence

__all__ = ["sample_ratio_p_value"]


def sample_ratio_p_value(counts: Sequence[int], shares: Sequence[float]) -> float:
    """Always-valid p-value of the counts against the shares.

    Args:
        counts: of each arm so far.
        shares: of each arm, above 0; their sum is 1.

    Returns:
        Between 0 and 1; below 0.001, say, the assignment is broken and the arms must not be compared.
    """
    total = sum(counts)
    arms = len(counts)
    log_odds = math.lgamma(arms) - math.lgamma(arms + total)
    log_odds += sum(math.lgamma(1 + count) for count in counts)
    log_odds -= sum(count * math.log(share) for count, share in zip(counts, shares, strict=True))
    return math.exp(min(0.0, -log_odds))
