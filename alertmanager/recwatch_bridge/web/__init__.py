"""The bridge over HTTP: webhooks, JSON API, a page for people."""
