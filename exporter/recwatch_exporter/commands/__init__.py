"""What `recwatch-exporter` can be told to do: one module a command."""
