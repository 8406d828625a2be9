"""How honest the drift checks are: false alarms where nothing has changed, and power where something has.

`python -m benchmarks.calibration` (`make calibrate`). Thousands of windows are held against each other by the
exporter's own code: a check as drift.yml makes it, its family's `freeze` and `measure`. Only the window is
not the exporter's: it counts arrays in memory, because asking an engine takes longer than all the rest.
`tests/benchmarks/` shows that it answers as the exporter's own window does.
"""
