"""From Alertmanager's webhook to rows in the store, in one transaction."""
