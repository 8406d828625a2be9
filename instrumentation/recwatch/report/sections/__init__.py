"""What the report tells, a module a section: from answers to tables and pictures. All of it is pure."""

__all__: list[str] = []
