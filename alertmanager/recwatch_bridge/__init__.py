"""The webhook bridge: Alertmanager's webhooks become messages that arrive and retrainings that are judged.

One process: `http` takes webhooks, `accept` writes each in one transaction, `delivery` sends what the outbox
holds, `retrain` drives one run at a time for each model, `main` puts them together.
"""
