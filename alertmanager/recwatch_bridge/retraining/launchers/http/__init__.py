"""Trainers behind an HTTP API.

`exchange` is what is said, `client` says it, `launcher` decides what an answer, or none, means for a
run; `github`, `airflow` and `plain` are the APIs, pure: they yield requests and are sent the answers.
"""
