"""recwatch: what a recommender or a trainer imports to be watched.

Two entry points cover most services: `recwatch.asgi.MetricsMiddleware` and `recwatch.training.TrainingRun`.
"""

__version__ = "0.1.0"
