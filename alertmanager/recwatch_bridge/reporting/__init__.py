"""The report of `recwatch report`, sent by the clock."""
