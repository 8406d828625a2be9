"""The errors that the recommender raises. Each message says what to do next.

RecommenderError
├── DataError      the ratings or the catalogue cannot be used
├── ModelError     a model's file cannot be used
├── SettingsError  a setting of the service is not what it must be
└── TrainingError  a training cannot begin with what it was given
"""


class RecommenderError(Exception):
    """Root of everything that the recommender raises on purpose."""


class DataError(RecommenderError):
    """The ratings or the catalogue cannot be used."""


class ModelError(RecommenderError):
    """A model's file cannot be used."""


class SettingsError(RecommenderError):
    """A setting of the service is not what it must be."""


class TrainingError(RecommenderError):
    """A training cannot begin with what it was given."""
