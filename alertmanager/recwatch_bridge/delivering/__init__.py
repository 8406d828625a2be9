"""From the outbox to people: one worker a sink, tried until it arrives or is given up."""
