"""What trainings and pipelines share: how they begin and end, what may hang, what is published."""

__all__: list[str] = []
