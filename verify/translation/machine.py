"""The machine code, run on solver terms from a line to the lines that serve points: the op table's rows, read as they
stand over terms.

Nothing is known of a register or frame slot that a row does not map: it is a symbol of its own. Called by
`segment`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import z3

from ncl.language.opcodes import Opcode, Trap
from ncl.language.ops import OPS, Effect
from ncl.language.program import Instruction, Position, Program
from ncl.language.syntax import Function
from ncl.verify.translation.ends import Called, Ending, Fork, Node, Returned, Shared, Stuck, Trapped, Waiting
from ncl.verify.translation.terms import Term, Terms, machine_word, shared_natural


@dataclass(frozen=True, eq=False)
class State:
    """Registers and slots by location (`r3`, `f0`), and what both sides share."""

    words: Mapping[str, Term]
    shared: Shared
    calls: int = 0  # made on this path: what nothing is known of behind one has a name of its own

    def put(self, location: str, word: Term) -> State:
        return replace(self, words={**self.words, location: word})


@dataclass(frozen=True)
class _View:
    """One state before an instruction, as the rows of the op table read it.

    The frame pointer is 0 here: slots are counted from it, and the static rules keep every one of them in the frame.
    """

    machine: Machine
    state: State
    instruction: Instruction
    line: int

    @property
    def algebra(self) -> Terms:
        return self.machine.terms

    def _natural(self, value: int) -> Term:
        return self.algebra.natural(value)

    @property
    def a(self) -> Term:
        return self._natural(self.instruction.a)

    @property
    def b(self) -> Term:
        return self._natural(self.instruction.b)

    @property
    def c(self) -> Term:
        return self._natural(self.instruction.c)

    @property
    def pc(self) -> Term:
        return self._natural(self.line)

    @property
    def hp(self) -> Term:
        return self.state.shared.hp

    @property
    def fp(self) -> Term:
        return self._natural(0)

    @property
    def sp(self) -> Term:
        return shared_natural("calls")

    @property
    def depth(self) -> Term:
        return self._natural(self.machine.program.sizes.depth)

    @property
    def ticks(self) -> Term:
        return self.state.shared.ticks

    @property
    def budget(self) -> Term:
        return shared_natural("budget")

    @property
    def memory_size(self) -> Term:
        return self._natural(self.machine.program.sizes.memory)

    @property
    def frame_size(self) -> Term:
        return self._natural(self.machine.program.sizes.frame)

    def register(self, index: Term) -> Term:
        return self.machine.value(self.state, f"r{index.as_long()}")

    def memory(self, address: Term) -> Term:
        return z3.Select(self.state.shared.memory, self.algebra.to_word(address))

    def frame(self, slot: Term) -> Term:
        return self.machine.value(self.state, f"f{slot.as_long()}")


class Machine:
    """One program. `served` are the lines that serve a point: there it waits until the source has come along.

    `callees`: the functions by their entry lines. `results`: how many registers the result of this one takes.
    """

    def __init__(self, program: Program, served: frozenset[int], callees: Mapping[int, Function], results: int) -> None:
        self.program = program
        self.terms = Terms(program.sizes.width)
        self.served = served
        self.callees = callees
        self.results = results

    def value(self, state: State, location: str) -> Term:
        found = state.words.get(location)
        name = f"{location} after call {state.calls}" if state.calls else location
        return machine_word(name, self.program.sizes.width) if found is None else found

    def registers(self, state: State, count: int) -> tuple[Term, ...]:
        return tuple(self.value(state, f"r{number}") for number in range(count))

    def position(self, line: int) -> Position | None:
        return self.program.positions[line] if self.program.positions else None

    def run(self, line: int, state: State, wait: bool) -> Node:
        """The tree of what may happen from a line on. `wait`: the line itself may serve the segment's end."""
        return self._on(line, state, 0, wait)

    def _on(self, line: int, state: State, steps: int, wait: bool = True) -> Node:
        while True:
            if wait and line in self.served:
                return self._waiting(line, state, steps)
            wait = True
            # Soundness 7: more steps than lines would mean that a line came round inside a segment.
            if steps >= len(self.program.code):
                return Stuck(f"line {line} comes round before any point is reached")
            if not 0 <= line < len(self.program.code):
                return Stuck(f"control leaves the program at line {line}")
            steps += 1
            step = self._step(line, state, steps)
            if not isinstance(step, tuple):
                return step
            line, state = step

    def _waiting(self, line: int, state: State, steps: int) -> Waiting:
        return Waiting(
            line,
            lambda location: self.value(state, location),
            state.shared,
            lambda: self._on(line, state, steps, False),
        )

    def _step(self, line: int, state: State, steps: int) -> Node | tuple[int, State]:
        opcode = Opcode(self.program.code[line].opcode)
        if opcode == Opcode.RETURN:
            # No trap: a function that returns was called, and one that ends the run may not come here.
            how: Ending = "keep" if self.program.code[line].a else "restore"
            return Returned(how, self.registers(state, self.results), state.shared)
        effect = OPS[opcode].meaning(_View(self, state, self.program.code[line], line))  # type: ignore[arg-type]
        return self._trapping(effect, 0, line, state, steps)

    def _trapping(self, effect: Effect, number: int, line: int, state: State, steps: int) -> Node | tuple[int, State]:
        """The traps in their order, then what the instruction does."""
        if number == len(effect.traps):
            return self._done(effect, line, state, steps)
        condition, kind = effect.traps[number]
        if condition is not None and z3.is_false(condition):
            return self._trapping(effect, number + 1, line, state, steps)
        trap = Trapped(Trap(kind if isinstance(kind, int) else kind.as_long()), self.position(line), state.shared)
        if condition is None or z3.is_true(condition):
            return trap

        def on() -> Node:
            step = self._trapping(effect, number + 1, line, state, steps)
            return self._on(*step, steps) if isinstance(step, tuple) else step

        return Fork(condition, lambda: trap, on)

    def _done(self, effect: Effect, line: int, state: State, steps: int) -> Node | tuple[int, State]:
        if effect.push is not None:
            return self._called(line, state, steps)
        after = self._changed(effect, line, state)
        if effect.halt:
            return Returned("halt", self.registers(after, self.results), after.shared)
        following = effect.pc
        if following is None:
            return line + 1, after
        if z3.is_bv_value(following):
            return following.as_long(), after
        condition, yes, no = following.arg(0), following.arg(1).as_long(), following.arg(2).as_long()
        return Fork(condition, lambda: self._on(yes, after, steps), lambda: self._on(no, after, steps))

    def _called(self, line: int, state: State, steps: int) -> Node:
        entry, frame = self.program.code[line].a, self.program.code[line].b
        callee = self.callees.get(entry)
        if callee is None:
            return Stuck(f"line {line} calls line {entry}, where the witness has no function")
        signature = callee.signature
        keeps = signature.result == "array"

        def then(results: tuple[Term, ...], shared: Shared) -> Node:
            """Soundness 4: of the registers only the results are known, of the frame the slots below K survive."""
            kept = {where: word for where, word in state.words.items() if where[0] == "f" and int(where[1:]) < frame}
            given = {f"r{number}": word for number, word in enumerate(results)}
            return self._on(line + 1, State(kept | given, shared, state.calls + 1), steps)

        arguments = self.registers(state, signature.argument_registers)
        return Called(callee.name, arguments, 2 if keeps else 1, keeps, state.shared, then)

    def _changed(self, effect: Effect, line: int, state: State) -> State:
        shared = state.shared
        if effect.register is not None:
            state = state.put(f"r{self.program.code[line].a}", effect.register)
        if effect.frame is not None:
            slot, word = effect.frame
            state = state.put(f"f{slot.as_long()}", word)
        if effect.memory is not None:
            address, word = effect.memory
            shared = replace(shared, memory=z3.Store(shared.memory, self.terms.to_word(address), word))
        shared = replace(
            shared,
            hp=shared.hp if effect.hp is None else effect.hp,
            ticks=shared.ticks if effect.ticks is None else effect.ticks,
        )
        return replace(state, shared=shared)
