"""What keeps the exporter going: schedule, workers, state."""
