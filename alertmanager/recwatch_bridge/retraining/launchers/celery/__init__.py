"""Trainers that are Celery tasks over Redis.

`broker` sends, searches and revokes; `record` reads what a worker wrote about a task; `launcher` decides what
that means for a run. Needs the extra `celery`.
"""
