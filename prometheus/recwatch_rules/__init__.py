"""Lints of alert rules, and what is made of them: the table in docs/, objects for the Prometheus operator."""
