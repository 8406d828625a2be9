"""Rerank and embeddings: what reranking costs, what it brings, whether the vectors still hold."""

from grafana_foundation_sdk.builders import dashboard, timeseries

from recwatch_dashboards.board import board
from recwatch_dashboards.drift import against_threshold, freshness
from recwatch_dashboards.grid import Section, place
from recwatch_dashboards.looks import BLUE, ORANGE, PINK, Line
from recwatch_dashboards.panels import lines
from recwatch_dashboards.queries import Query, threshold
from recwatch_dashboards.variables import checks, models

UID = "recwatch-rerank"
_SILENT = "no recommendation was asked for in this time"
_UNSCORED = "no scored recommendation of late: recwatch.scores is not set up, or nothing was asked"


def build() -> dashboard.Dashboard:
    """Build the dashboard."""
    text = "What does reranking cost, what does it bring, and are the embeddings fresh and the same?"
    variables = [models("recommender_requests_total"), checks()]
    return place(
        board(UID, "recwatch rerank and embeddings", text, variables), [_cost(), _gain(), _embeddings()]
    )


def _cost() -> Section:
    overhead = lines(
        "Rerank overhead",
        "By how much slower the average reranked recommendation is than one without, over 5 minutes.",
        "percent",
        [
            Query(
                'service_model:recommender_rerank_overhead:percent5m{model=~"$model"}',
                "{{service}} {{model}}",
            )
        ],
        empty="nothing was reranked in this time, or everything was",
        lowest=None,
    )
    share = lines(
        "Recommendations, reranked or not",
        "Recommendations a second.",
        "reqps",
        _with_and_without("service_model_reranked:recommender_requests:rate5m"),
        empty=_SILENT,
    )
    average = lines(
        "Latency, reranked or not",
        "Average over 5 minutes.",
        "s",
        _with_and_without("service_model_reranked:recommender_request_duration_seconds:mean5m"),
        empty=_SILENT,
    )
    return Section("What does reranking cost?", [(overhead, 8), (average, 8), (share, 8)])


def _gain() -> Section:
    return Section(
        "What does it bring?",
        [
            (
                _quantiles(
                    "Content score",
                    "Mean cosine of the returned items with the user's recent items: the median over ten"
                    " minutes, and the tenth below and above which a tenth lies.",
                    "recommender_content_score",
                ),
                8,
            ),
            (
                _quantiles(
                    "Semantic alignment",
                    "Spearman's correlation of the collaborative and the content order of the candidates:"
                    " quantiles over ten minutes.",
                    "recommender_semantic_alignment",
                ),
                8,
            ),
            (
                _quantiles(
                    "Diversity",
                    "Mean pairwise cosine distance of the returned items: quantiles over ten minutes.",
                    "recommender_diversity",
                ),
                8,
            ),
            (_scores(), 12),
            (_shift(), 12),
        ],
    )


def _scores() -> timeseries.Panel:
    kinds = (("p10", Line.DOTTED, PINK), ("p50", Line.SOLID, BLUE), ("p90", Line.DASHED, ORANGE))
    return lines(
        "Scores of the returned items",
        "What the model gave to the items it returned, quantiles over an hour. A shift is one of the model's"
        " output.",
        "none",
        [
            Query(
                f'service_model_variant:recommender_score:{name}_rate1h{{model=~"$model"}}',
                f"{{{{service}}}} {{{{model}}}} {{{{variant}}}} {name}",
                line,
                colour,
            )
            for name, line, colour in kinds
        ],
        empty=_UNSCORED,
        lowest=None,
    )


def _shift() -> timeseries.Panel:
    return lines(
        "Shift of the scores",
        "How far their median moved since the same hour a week before, in widths of the middle 80 %."
        " OutputShift fires"
        " above the line.",
        "none",
        [
            Query(
                'service_model_variant:recommender_score:shift1w{model=~"$model"}',
                "{{service}} {{model}} {{variant}}",
            ),
            threshold("OutputShift"),
        ],
        empty="nothing to compare with yet: 1,000 scores an hour are needed, now and a week before",
    )


def _quantiles(title: str, text: str, metric: str) -> timeseries.Panel:
    return lines(
        title,
        text,
        "none",
        [
            Query(
                f'service_model_reranked:{metric}:{name}_rate10m{{reranked="{value}", model=~"$model"}}',
                f"{{{{service}}}} {{{{model}}}} {kind} {name}",
                line,
                colour,
            )
            for name, line in (("p10", Line.DOTTED), ("p50", Line.SOLID), ("p90", Line.DASHED))
            for value, kind, colour in (("true", "reranked", BLUE), ("false", "plain", ORANGE))
        ],
        empty=_UNSCORED,
        lowest=None,
    )


def _with_and_without(series: str) -> list[Query]:
    chosen = 'model=~"$model"'
    return [
        Query(
            f'{series}{{reranked="true", {chosen}}}',
            "{{service}} {{model}} reranked",
            Line.SOLID,
            BLUE,
        ),
        Query(
            f'{series}{{reranked="false", {chosen}}}',
            "{{service}} {{model}} plain",
            Line.DASHED,
            ORANGE,
        ),
    ]


def _embeddings() -> Section:
    drift = against_threshold(
        "Embeddings against their reference",
        "Mean cosine of each item's vector with the one that the model in service was built with."
        " SemanticDrift asks"
        " to regenerate embeddings below the line.",
        'type="embedding", ',
        empty="no check of the type embedding has run",
    )
    return Section("Are the embeddings fresh and the same?", [(drift, 12), (freshness(), 12)])
