"""What recwatch costs: ratios measured in one run, on the same work. `make bench`."""
