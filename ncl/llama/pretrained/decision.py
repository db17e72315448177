"""Decides what a prompt comes to: from what readers chose, through certified programs, to an answer in words.

Each reader decides alone, and they vote by what comes out. What cannot be computed on is told in words: numbers that
no word holds, and more calls than are followed. Called by the model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ncl.llama.computer import execution
from ncl.llama.computer.calls import Call
from ncl.llama.pretrained.chat_format import Markers
from ncl.llama.pretrained.hidden_states import Seen, batched
from ncl.llama.pretrained.number_lexer import NumberLexer
from ncl.llama.pretrained.prompt_units import Message, earlier
from ncl.llama.reader import call_plan as planning
from ncl.llama.reader.ensemble import Ballot, ballots_of, elected
from ncl.llama.reader.network import Reader, steady

SEPARATOR = ", "
BARE = re.compile(r"\d,\d")
SYMBOLS = {"stack": "largest"}  # programs whose alphabet has a symbol that text may write: the largest word, a pop


@dataclass(frozen=True)
class Verdict:
    """What a prompt came to: the answer as text (None: the language model speaks), and the calls made."""

    text: str | None
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True)
class Decider:
    """What a model decides with. `largest`: the largest number that a prompt may hold; `seal`: of its certificate."""

    readers: Sequence[Reader]
    library: planning.Library
    markers: Markers
    lexer: NumberLexer
    largest: int
    most_calls: int
    seal: str

    def decide(self, found: Sequence[Message], seen: Sequence[Seen]) -> list[tuple[planning.Plan, list[int], Verdict]]:
        """Of each message the plan, its programs, and what they came to.

        Each reader decides alone, and they vote by what comes out: two that read a prompt in different ways, with a
        border at another word, say, agree where it matters. A vote weighs as much as its reader is sure (`ensemble`).
        """
        units = batched(seen)
        ballots = [ballots_of(steady(reader), units, self.library, self.most_calls) for reader in self.readers]
        return [self._vote(one, choices) for one, choices in zip(found, zip(*ballots), strict=True)]

    def _vote(self, found: Message, ballots: Sequence[Ballot]) -> tuple[planning.Plan, list[int], Verdict]:
        run = {(plan, tuple(programs)): self._judged(found, plan, programs) for plan, programs, _ in ballots}
        verdicts = [run[plan, tuple(programs)] for plan, programs, _ in ballots]
        winner = elected([verdict.text for verdict in verdicts], [log for _, _, log in ballots])
        plan, programs, _ = ballots[winner]
        return plan, programs, verdicts[winner]

    def _judged(self, found: Message, plan: planning.Plan, programs: list[int]) -> Verdict:
        if not any(programs):
            return Verdict(None)
        if plan.stretches > self.most_calls:
            return Verdict(f"That asks for more than {self.most_calls} calls, which is all that I follow.")
        first = next(number for number in programs if number)
        used = {*plan.taken, *(plan.argument[s] for s, n in enumerate(programs) if n and self._argued(n))}
        bad = list(dict.fromkeys(fault for unit in sorted(used) if unit >= 0 for fault in found.faults[unit]))
        if bad:
            return self._told_of(bad)
        if not self.library.symbols[first - 1]:
            plan = replace(plan, symbols=())
        tape: tuple[int, ...] | None = None
        if not planning.first_tape(plan, found.words, self.library.symbols[first - 1]) and not found.empty:
            # A tape that no text writes is none: the list of an earlier turn is meant, or nothing is called.
            own = found.brings or any(number and unit not in used for unit, number in enumerate(found.number))
            before = None if own else earlier(found, self.markers, self.lexer, self.largest)
            if before is None:
                return Verdict(None)
            if before.faults:
                return self._told_of(before.faults)
            tape = before.words
        steps = planning.follow(self.library, plan, programs, found.words, tape)
        if not steps:
            return Verdict(None)
        return Verdict(SEPARATOR.join(map(str, steps[-1].result)), tuple(self._call(step) for step in steps))

    def _told_of(self, bad: Sequence[str]) -> Verdict:
        """In words: numbers that no word holds, as they were written. Two in one may be a list without blanks."""
        told = ", ".join(bad[:3]) + (" …" if len(bad) > 3 else "")
        blank = " Put a blank behind each comma of a list." if any(BARE.search(one) for one in bad[:3]) else ""
        return Verdict(f"I compute with whole numbers from 0 to {self.largest}; this is none: {told}.{blank}")

    def _argued(self, number: int) -> bool:
        return execution.takes_argument(self.library.programs[number - 1])

    def _call(self, step: planning.Step) -> Call:
        name = self.library.programs[step.program - 1].name
        return Call(name, step.tape, step.argument, step.result, step.steps, self.seal)
