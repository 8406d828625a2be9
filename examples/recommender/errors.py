"""The errors that the recommender raises. Each message says what to do next.

RecommenderError
├── DataError      the ratings or the catalogue cannot be used
├── ModelError     a model's file cannot be used
└── TrainingError  a training cannot begin with what it was given
"""


class RecommenderError(Exception):
    """Root of everything that the recommender raises on purpose."""


class DataError(RecommenderError):
    """The ratings or the catalogue cannot be used."""


class ModelError(RecommenderError):
    """A model's file cannot be used."""


class TrainingError(RecommenderError):
    """A training cannot begin with what it was given."""
