"""The drift exporter: holds a current window against a reference one and exports what it finds.

One pure module a check type (`checks/`), what it reads (`sources`), what it is told (`config`), when it runs
(`scheduler`, `watcher`, `runner`), what it says (`metrics`, `web`, `once`).
"""
