"""recwatch: what a recommender or a trainer imports to be watched.

Two entry points cover most services: `recwatch.asgi.MetricsMiddleware` and `recwatch.training.TrainingRun`.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
