"""The main job on real data, shown live: `make demo`."""
