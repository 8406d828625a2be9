"""The command `recwatch`: training runs and the versions of models, in a terminal. Needs the extra `cli`."""

__all__: list[str] = []
