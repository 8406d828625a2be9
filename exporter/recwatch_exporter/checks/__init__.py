"""One module a check type: pure functions of arrays, without threshold, label, clock or I/O."""
