"""Decides what a prompt comes to: from what readers chose, through certified programs, to an answer in words.

Each reader decides alone, and they vote by what comes out. What cannot be computed on is answered in words: numbers
that no word holds, and more calls than are followed. Called by the model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ncl.llama.computer import execution
from ncl.llama.computer.calls import Call
from ncl.llama.pretrained.chat_format import Markers
from ncl.llama.pretrained.hidden_states import PromptStates, collate
from ncl.llama.pretrained.number_lexer import NumberLexer
from ncl.llama.pretrained.prompt_units import Message, earlier_list
from ncl.llama.reader import call_plan as planning
from ncl.llama.reader.ensemble import Vote, votes_of, winning_vote
from ncl.llama.reader.network import Reader, in_eval_mode

SEPARATOR = ", "
BARE = re.compile(r"\d,\d")
SYMBOLS = {"stack": "largest"}  # programs whose alphabet has a symbol that text may write: the largest word, a pop


@dataclass(frozen=True)
class Decision:
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

    def decide(
        self, found: Sequence[Message], seen: Sequence[PromptStates]
    ) -> list[tuple[planning.Plan, list[int], Decision]]:
        """Of each message the plan, its programs, and what they came to.

        Each reader decides alone, and they vote by what comes out: two that read a prompt in different ways, with a
        boundary at another word, say, agree where it matters. A vote weighs as much as its reader is sure (`ensemble`).
        """
        units = collate(seen)
        votes = [votes_of(in_eval_mode(reader), units, self.library, self.most_calls) for reader in self.readers]
        return [self._vote(one, choices) for one, choices in zip(found, zip(*votes), strict=True)]

    def _vote(self, found: Message, votes: Sequence[Vote]) -> tuple[planning.Plan, list[int], Decision]:
        run = {(plan, tuple(programs)): self._run_plan(found, plan, programs) for plan, programs, _ in votes}
        decisions = [run[plan, tuple(programs)] for plan, programs, _ in votes]
        winner = winning_vote([decision.text for decision in decisions], [log for _, _, log in votes])
        plan, programs, _ = votes[winner]
        return plan, programs, decisions[winner]

    def _run_plan(self, found: Message, plan: planning.Plan, programs: list[int]) -> Decision:
        if not any(programs):
            return Decision(None)
        if plan.segments > self.most_calls:
            return Decision(f"That asks for more than {self.most_calls} calls, which is all that I follow.")
        first = next(number for number in programs if number)
        used = {*plan.taken, *(plan.argument[s] for s, n in enumerate(programs) if n and self._takes_argument(n))}
        bad = list(dict.fromkeys(fault for unit in sorted(used) if unit >= 0 for fault in found.faults[unit]))
        if bad:
            return self._unsupported_numbers(bad)
        if not self.library.symbols[first - 1]:
            plan = replace(plan, symbols=())
        tape: tuple[int, ...] | None = None
        if not planning.first_tape(plan, found.words, self.library.symbols[first - 1]) and not found.empty:
            # A tape that no text writes is none: the list of an earlier turn is meant, or nothing is called.
            own = found.brings or any(number and unit not in used for unit, number in enumerate(found.number))
            before = None if own else earlier_list(found, self.markers, self.lexer, self.largest)
            if before is None:
                return Decision(None)
            if before.faults:
                return self._unsupported_numbers(before.faults)
            tape = before.words
        steps = planning.execute(self.library, plan, programs, found.words, tape)
        if not steps:
            return Decision(None)
        return Decision(SEPARATOR.join(map(str, steps[-1].result)), tuple(self._call(step) for step in steps))

    def _unsupported_numbers(self, bad: Sequence[str]) -> Decision:
        """In words: numbers that no word holds, as they were written. Two in one may be a list without blanks."""
        numbers = ", ".join(bad[:3]) + (" …" if len(bad) > 3 else "")
        blank = " Put a blank behind each comma of a list." if any(BARE.search(one) for one in bad[:3]) else ""
        return Decision(f"I compute with whole numbers from 0 to {self.largest}; this is none: {numbers}.{blank}")

    def _takes_argument(self, number: int) -> bool:
        return execution.takes_argument(self.library.programs[number - 1])

    def _call(self, step: planning.Step) -> Call:
        name = self.library.programs[step.program - 1].name
        return Call(name, step.tape, step.argument, step.result, step.steps, self.seal)
