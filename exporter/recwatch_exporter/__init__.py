"""The drift exporter: holds a current window against a reference one and exports what it finds.

One pure module a check type (`checks/`), what gets data to it (`families/`, `sources/`), what it is told
(`config`), what keeps it going (`process/`), what it says (`metrics`, `web/`, `report`), and its commands
(`commands/`).
"""
