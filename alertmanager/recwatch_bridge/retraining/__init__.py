"""From a reason to a version in service: policy, launchers, gate, promotion, rollback."""
