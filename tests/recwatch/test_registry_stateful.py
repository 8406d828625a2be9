"""Any order of changes, against the simplest model of them: lists in memory."""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from recwatch.errors import PromotionConflictError, RegistryError
from recwatch.registry import ANY_VERSION, Manifest, ModelRegistry

AT = datetime(2100, 1, 1, tzinfo=UTC)
NUMBERS = st.integers(1, 7)


class RegistryMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.registry = ModelRegistry(self.root / "als", clock=lambda: AT)
        self.published: list[str] = []
        self.count = 0
        self.stack: list[str] = []  # what a rollback goes back over
        self.lines: list[tuple[str, str]] = []  # the history
        self.by_hand: str | None = None  # written into `current`, without a line yet

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    @property
    def in_service(self) -> str | None:
        return self.by_hand or (self.stack[-1] if self.stack else None)

    def settle(self) -> None:
        """Every change first writes the line that a change by hand lacks."""
        if self.by_hand is None:
            return
        back = self.stack[-2:-1] == [self.by_hand]
        self.lines.append(("rollback" if back else "promote", self.by_hand))
        self.stack = self.stack[:-1] if back else [*self.stack, self.by_hand]
        self.by_hand = None

    def version(self, number: int) -> str:
        """A published version for most numbers, and one that is not there for some."""
        return (
            self.published[number % len(self.published)] if self.published and number < 7 else f"v{number}_x"
        )

    def refused(self, change: Callable[[], object], kind: type[RegistryError] = RegistryError) -> None:
        with pytest.raises(kind):
            change()

    @rule()
    def publish(self) -> None:
        self.count += 1
        name = f"v{self.count}_a"
        with self.registry.publish(name) as folder:
            Manifest(model="als", version=name, trained_at=AT, data_version="x").write(folder)
        self.published.append(name)

    @rule()
    def fail_to_publish(self) -> None:
        with suppress(OSError), self.registry.publish(f"v{self.count + 1}_a"):
            raise OSError("disk full")

    @rule(number=NUMBERS, expected=st.sampled_from(["any", "right", "wrong"]))
    def promote(self, number: int, expected: str) -> None:
        version, before = self.version(number), self.in_service
        wish = {"any": ANY_VERSION, "right": before, "wrong": "v99_x"}[expected]

        def change() -> None:
            self.registry.promote(version, reason="drift", expected=wish)

        if version not in self.published:
            self.refused(change)
            return
        self.settle()
        if version == before:
            change()
        elif expected == "wrong":
            self.refused(change, PromotionConflictError)
        else:
            change()
            self.stack.append(version)
            self.lines.append(("promote", version))

    @rule(expected=st.sampled_from(["any", "right", "wrong"]))
    def rollback(self, expected: str) -> None:
        wish = {"any": ANY_VERSION, "right": self.in_service, "wrong": "v99_x"}[expected]

        def change() -> None:
            self.registry.rollback(reason="worse", expected=wish)

        self.settle()
        if expected == "wrong":
            self.refused(change, PromotionConflictError)
        elif len(self.stack) < 2 or self.stack[-2] not in self.published:
            self.refused(change)
        else:
            change()
            self.stack.pop()
            self.lines.append(("rollback", self.stack[-1]))

    @rule(keep=st.integers(1, 3), dry_run=st.booleans())
    def prune(self, keep: int, dry_run: bool) -> None:  # noqa: FBT001 - Hypothesis calls it by name
        if not dry_run:
            self.settle()
        needed = {*self.published[-keep:], self.registry.current(), self.registry.rollback_target()}
        pruned = [version for version in self.published if version not in needed]
        assert self.registry.prune(keep=keep, min_age=timedelta(0), dry_run=dry_run) == pruned
        if not dry_run:
            self.published = [version for version in self.published if version not in pruned]

    @precondition(lambda self: self.published)
    @rule(number=st.integers(0, 6))
    def write_by_hand(self, number: int) -> None:
        version = self.published[number % len(self.published)]
        (self.registry.folder / "current").write_text(f"{version}\n")
        self.by_hand = None if self.lines and self.lines[-1][1] == version else version

    @rule()
    def leave_something_behind(self) -> None:
        for name in (".publish-v9_x-a", ".prune-v9_x-b"):
            (self.registry.folder / name / "deep").mkdir(parents=True, exist_ok=True)
        (self.registry.folder / ".history.next").write_text("cut sh")

    @invariant()
    def agree(self) -> None:
        registry = self.registry
        assert registry.versions() == self.published
        assert registry.current() == self.in_service
        assert [(item.action, item.version) for item in registry.history()] == self.lines
        if self.in_service is not None:
            assert registry.manifest(self.in_service).version == self.in_service
        target = registry.rollback_target()
        if self.by_hand is None:
            assert target == (self.stack[-2] if len(self.stack) > 1 else None)
        assert registry.new_version(AT).startswith(f"v{self.count + 1}_")


TestRegistry = RegistryMachine.TestCase
TestRegistry.settings = settings(max_examples=40, stateful_step_count=20)
