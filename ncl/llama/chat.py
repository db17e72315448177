"""A pretrained LLaMA with a computer: reads a chat prompt once, and answers through certified programs where it calls.

The backbone is any `LlamaForCausalLM`, untouched. The reader looks at two of its middle layers as the prompt goes
through; a long prompt is read shortened, before anything else, and needs no pass of its own if it calls. A prompt that
calls nothing gets the backbone's logits to the bit.

Legend: B rows, T tokens, V vocabulary.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import LlamaForCausalLM
from transformers.modeling_outputs import CausalLMOutputWithPast

from ncl import gate
from ncl.build import Artefact
from ncl.certificate import Certificate
from ncl.errors import ConfigurationError, GateRefused
from ncl.llama import plan as planning
from ncl.llama import select
from ncl.llama.augment import NCLLlamaForCausalLM, asked, mixed, most_new, real_tokens
from ncl.llama.base import watched, weights_digest
from ncl.llama.block import BlockStreamer, Taken, spliced
from ncl.llama.call import Answers, Call
from ncl.llama.config import NCLLlamaConfig
from ncl.llama.ends import ends_of
from ncl.llama.message import Markers, Message, message, windows
from ncl.llama.numbers import NumberLexer
from ncl.llama.perceive import Seen, batched, from_states, perceive
from ncl.llama.permit import copies_of, marked
from ncl.llama.reader import Reader, Units
from ncl.llama.vote import log_chances

SEPARATOR = ", "
SYMBOLS = {"stack": "largest"}  # programs whose alphabet has a symbol that text may write: the largest word, a pop


@dataclass(frozen=True)
class Verdict:
    """What a prompt came to: the answer as text (None: the language model speaks), and the calls made."""

    text: str | None
    calls: tuple[Call, ...] = ()


Ballot = tuple[planning.Plan, list[int], float]  # what a reader decided: plan, programs, log-probability


class NCLChatLlamaForCausalLM(NCLLlamaForCausalLM):
    """See the module. `tokenizer` spells answers; it is the base model's own."""

    tokenizer: Any = None

    def __init__(self, config: NCLLlamaConfig) -> None:
        LlamaForCausalLM.__init__(self, config)
        self.lexer = NumberLexer(config.vocab_size)
        self.readers = torch.nn.ModuleList(
            Reader(config.hidden_size, config.ncl_side_size, len(config.ncl_programs))
            for _ in range(config.ncl_readers)
        )
        self.markers = Markers(tuple(config.ncl_before), tuple(config.ncl_after))
        self.layers = (int(config.ncl_layers[0]), int(config.ncl_layers[1]))
        self.recorded = False  # whether a record names readers and base (`known_by`)
        self.library = planning.Library((), ())
        self._ahead: Answers | None = None  # what long prompts came to, while `generate` runs
        self.forget_library()
        self.post_init()

    def _init_weights(self, module: torch.nn.Module) -> None:
        if isinstance(module, Reader):
            module.start()
        else:
            LlamaForCausalLM._init_weights(self, module)

    @property
    def largest(self) -> int:
        """The largest number that a prompt may hold: the word above it is the pop."""
        return (1 << self.config.ncl_width) - 2

    def attach(
        self,
        artefact: Artefact,
        certificate: Certificate | None,
        policy: gate.Policy | None = None,
        tokenizer: str | None = None,
    ) -> None:
        """Let a library in through the gate. Raises GateRefused."""
        super().attach(artefact, certificate, policy, tokenizer)
        top = (1 << self.config.ncl_width) - 1
        symbols = tuple((top,) if name in SYMBOLS else () for name in self.config.ncl_programs)
        self.library = planning.Library(self.programs, symbols)

    def look(self) -> None:
        """As above; where a record names readers and base (`known_by`), at these too. Raises GateRefused."""
        if self.watch is None:
            raise GateRefused("no certified library is attached", where="model")
        self.watch.look(self.library.programs, self._settings(), self._watched(), self, lambda: weights_digest(self))

    def recheck(self) -> None:
        """The same, and the base's weights digested whole, which sees every edit. Raises GateRefused."""
        super().recheck()
        if self.recorded and self.watch is not None and weights_digest(self) != self.watch.backbone:
            raise GateRefused("changed since the gate let it in: weights of the base model", where="model")

    def known_by(self, base_digest: str) -> None:
        """From here on the readers, the base and what the configuration says of both are watched as well."""
        assert self.watch is not None
        self.recorded = True
        self.watch.settings, self.watch.copies = self._settings(), copies_of(self._watched())
        self.watch.marks, self.watch.backbone = marked(self), base_digest

    def _settings(self) -> dict[str, Any]:
        told = super()._settings()
        if self.recorded:
            own = {name: deepcopy(value) for name, value in vars(self.config).items() if name.startswith("ncl_")}
            told |= {**own, "layers": self.layers, "markers": self.markers, "symbols": self.library.symbols}
        return told

    def _watched(self) -> dict[str, Tensor]:
        found = super()._watched()
        if self.recorded:
            found |= {f"readers.{name}": tensor for name, tensor in self.readers.state_dict().items()}
            found |= {f"model.{name}": buffer for name, buffer in self.model.named_buffers()}
        return found

    def save_pretrained(self, save_directory: str | os.PathLike[str], *arguments: Any, **options: Any) -> None:
        """A merged folder, written whole (`adapter.save_merged`)."""
        from ncl.llama.adapter import save_merged

        save_merged(self, Path(save_directory))

    # --- reading

    def messages(self, ids_BT: Tensor, mask_BT: Tensor) -> list[Message | None]:
        """The last user message of each row."""
        rows = zip(ids_BT.tolist(), mask_BT.tolist(), strict=True)
        return [
            message([t for t, real in zip(row, mask, strict=True) if real], self.markers, self.lexer, self.largest)
            for row, mask in rows
        ]

    @torch.no_grad()
    def judge(self, found: Sequence[Message], seen: Sequence[Seen]) -> list[Verdict]:
        """What each message calls, run."""
        return [verdict for _, _, verdict in self.elected(found, seen)]

    @torch.no_grad()
    def elected(self, found: Sequence[Message], seen: Sequence[Seen]) -> list[tuple[planning.Plan, list[int], Verdict]]:
        """Of each message the plan, its programs, and what they came to.

        Each reader decides alone, and they vote by what comes out: two that read a prompt in different ways, with a
        border at another word, say, agree where it matters. A vote weighs as much as its reader is sure (`vote`).
        """
        if not found:
            return []
        if self.permit is not None:
            self.look()
        units = batched(seen)
        ballots = [self._ballots(reader, units) for reader in self.readers]
        return [self._vote(one, choices) for one, choices in zip(found, zip(*ballots), strict=True)]

    def _ballots(self, reader: Reader, units: Units) -> list[Ballot]:
        reading = reader(units)
        choices = planning.decided_of(reader, reading, units, self.config.ncl_most_calls)
        logs = log_chances(reader, reading, units, self.library, choices)
        return [(plan, programs, log) for (plan, programs), log in zip(choices, logs)]

    def _vote(self, found: Message, ballots: Sequence[Ballot]) -> tuple[planning.Plan, list[int], Verdict]:
        run = {(plan, tuple(programs)): self._judged(found, plan, programs) for plan, programs, _ in ballots}
        verdicts = [run[plan, tuple(programs)] for plan, programs, _ in ballots]
        surest = max(log for _, _, log in ballots)
        votes = defaultdict[str | None, float](float)
        for verdict, (_, _, log) in zip(verdicts, ballots):
            votes[verdict.text] += math.exp(log - surest)
        elected = max(votes, key=lambda text: votes[text])
        _, winner = max((log, -i) for i, (_, _, log) in enumerate(ballots) if verdicts[i].text == elected)
        plan, programs, _ = ballots[-winner]
        return plan, programs, verdicts[-winner]

    def _judged(self, found: Message, plan: planning.Plan, programs: list[int]) -> Verdict:
        if not any(programs):
            return Verdict(None)
        if plan.stretches > self.config.ncl_most_calls:
            return Verdict(f"That asks for more than {self.config.ncl_most_calls} calls, which is all that I follow.")
        first = next(number for number in programs if number)
        used = {*plan.taken, *(plan.argument[s] for s, n in enumerate(programs) if n and self._argued(n))}
        bad = [fault for unit in sorted(used) if unit >= 0 for fault in found.faults[unit]]
        if bad:
            told = ", ".join(bad[:3]) + (" …" if len(bad) > 3 else "")
            return Verdict(f"I compute with whole numbers from 0 to {self.largest}; this is none: {told}.")
        if not self.library.symbols[first - 1]:
            plan = replace(plan, symbols=())
        steps = planning.follow(self.library, plan, programs, found.words)
        if not steps:
            return Verdict(None)
        return Verdict(SEPARATOR.join(map(str, steps[-1].result)), tuple(self._call(step) for step in steps))

    def _argued(self, number: int) -> bool:
        return select.takes_argument(self.library.programs[number - 1])

    def _call(self, step: planning.Step) -> Call:
        name = self.library.programs[step.program - 1].name
        seal = self.permit.certificate if self.permit else ""
        return Call(name, step.tape, step.argument, step.result, step.steps, seal)

    # --- answering

    def answers_of(
        self, ids_BT: Tensor, mask_BT: Tensor, found: Sequence[Message | None], verdicts: Sequence[Verdict]
    ) -> Answers:
        """Verdicts as forced tokens: those still to come, where the prompt holds the first of them already."""
        end, device = self._end(), ids_BT.device
        rows = [self._to_come(one, verdict, end) for one, verdict in zip(found, verdicts, strict=True)]
        size = max(1, *(len(row or ()) for row in rows))
        tokens_BA = torch.full((len(rows), size), end, device=device)
        for number, row in enumerate(rows):
            tokens_BA[number, : len(row or ())] = torch.tensor(row or (), dtype=torch.int64, device=device)
        called_B = torch.tensor([row is not None for row in rows], device=device)
        calls = [() if row is None else verdict.calls for row, verdict in zip(rows, verdicts)]
        return Answers(ids_BT, mask_BT, tokens_BA, called_B, torch.where(called_B, 0, -1), calls)

    def _to_come(self, found: Message | None, verdict: Verdict, end: int) -> list[int] | None:
        """None where the language model speaks: also when it, or somebody, has begun another answer."""
        if found is None or verdict.text is None:
            return None
        block, given = [*self.spelled(verdict.text), end], list(found.given)
        return block[len(given) :] if given == block[: len(given)] != block else None

    def _end(self) -> int:
        """The token that the chat format puts behind a message, where it is one that ends answers."""
        behind = self.markers.after[:1]
        ends = ends_of(self) | ends_of(self, self.generation_config)
        return behind[0] if behind and behind[0] in ends else super()._end()

    def spelled(self, text: str) -> list[int]:
        """An answer's tokens."""
        if self.tokenizer is None:
            raise ConfigurationError("the model has no tokenizer to spell its answer", remedy="set model.tokenizer")
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    @torch.no_grad()
    def answer(self, ids_BT: Tensor, mask_BT: Tensor) -> Answers:
        """Read every row in a pass of its own and run what it calls."""
        found = self.messages(ids_BT, mask_BT)
        return self.answers_of(ids_BT, mask_BT, found, self.verdicts(found, {}))

    def verdicts(self, found: Sequence[Message | None], near: dict[int, Seen]) -> list[Verdict]:
        """What each row comes to, run. Raises GateRefused.

        `near`: rows whose units were seen in a pass that happened anyway; the others are read now.
        """
        asked = [row for row, one in enumerate(found) if one is not None and one.place]
        if asked and self.permit is None:
            raise GateRefused("no certified library is attached", where="model")
        apart = [row for row in asked if row not in near]
        if apart:
            near |= dict(zip(apart, perceive(self.model, [found[r] for r in apart], self.layers, self._pad())))
        judged = dict(zip(asked, self.judge([found[r] for r in asked], [near[r] for r in asked])))
        return [judged.get(row, Verdict(None)) for row in range(len(found))]

    def generate(self, inputs: Tensor | None = None, ncl_block: bool = True, **options: Any) -> Any:
        """As in transformers. Long prompts that all call are answered without a pass over the whole of them.

        Raises ConfigurationError without a cache where no chat format tells a prompt from its answer.
        """
        if not self.markers.after and asked(self, options, "use_cache") is False:
            raise ConfigurationError("without a chat template an answer needs the cache", remedy="leave use_cache on")
        ids_BT = inputs if inputs is not None else options.get("input_ids")
        plain = options.get("past_key_values") is None and not asked(self, options, "return_dict_in_generate")
        alone = all(asked(self, options, name) in (None, 1) for name in ("num_beams", "num_return_sequences"))
        if ids_BT is None or not (ncl_block and plain and alone):
            return super().generate(inputs, ncl_block=ncl_block, **options)
        mask_BT = real_tokens(ids_BT, options.get("attention_mask"))
        if all(one is None or _at_hand(one) for one in self.messages(ids_BT, mask_BT)):
            return super().generate(inputs, **options)
        self._ahead = self.answer(ids_BT, mask_BT)
        try:
            if not bool(self._ahead.called_B.all()):
                return super().generate(inputs, **options)
            return self._at_once(ids_BT, options, Taken(self._ahead))
        finally:
            self._ahead = None

    def _at_once(self, ids_BT: Tensor, options: dict[str, Any], taken: Taken) -> Tensor:
        streamer, most = options.get("streamer"), most_new(options, ids_BT.shape[1])
        if streamer is not None and taken.answers is not None:
            streamer.put(ids_BT.cpu())
            streamer.put(torch.tensor(taken.answers.block(0)[:1]))
            BlockStreamer(streamer, taken, most).end()
        self.latest = taken.answers
        return spliced(ids_BT, ids_BT.shape[1], taken, self._pad(), most)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """As LlamaForCausalLM; the computer's tokens where it answers. With labels: the language model's own loss."""
        # `generate` makes positions for padded prompts, and leaves out logits, only for a forward that names these.
        options = {
            "attention_mask": attention_mask, "position_ids": position_ids, "past_key_values": past_key_values,
            "use_cache": use_cache, "logits_to_keep": logits_to_keep,
        }  # fmt: skip
        if input_ids is None or labels is not None:
            return LlamaForCausalLM.forward(self, input_ids=input_ids, labels=labels, **options, **kwargs)
        seen = past_key_values.get_seq_length() if past_key_values is not None else 0
        answers = getattr(past_key_values, "ncl_answers", None)
        if seen and answers is None and input_ids.shape[1] == 1:
            return LlamaForCausalLM.forward(self, input_ids=input_ids, **options, **kwargs)
        if seen:
            output = LlamaForCausalLM.forward(self, input_ids=input_ids, **options, **kwargs)
            answers = self._later(answers, input_ids, int(seen))
        else:
            answers, output = self._first(input_ids, options, kwargs)
        if output.past_key_values is not None:
            output.past_key_values.ncl_answers = answers
        output.logits = mixed(output.logits, answers)
        return output

    def _first(
        self, ids_BT: Tensor, options: dict[str, Any], kwargs: dict[str, Any]
    ) -> tuple[Answers, CausalLMOutputWithPast]:
        answers = self._ahead
        if answers is not None:
            output = LlamaForCausalLM.forward(self, input_ids=ids_BT, **options, **kwargs)
        else:
            mask_BT = real_tokens(ids_BT, options["attention_mask"])
            found = self.messages(ids_BT, mask_BT)
            with watched(self.model, self.layers) as states:
                output = LlamaForCausalLM.forward(self, input_ids=ids_BT, **options, **kwargs)
            near = {
                row: from_states(one, states, row, mask_BT[row], self.layers)
                for row, one in enumerate(found)
                if one is not None and _at_hand(one)
            }
            answers = self.answers_of(ids_BT, mask_BT, found, self.verdicts(found, near))
        if self._taken is not None and self._taken.answers is None:
            self._taken.answers = answers
        return answers, output

    def _later(self, answers: Answers | None, ids_BT: Tensor, seen: int) -> Answers | None:
        """Another token of an answer; or, where many come at once, another turn, which is read anew."""
        if answers is None or len(answers.at_B) != len(ids_BT):
            return None
        answers.cut(seen)
        answers.extend(ids_BT)
        if ids_BT.shape[1] == 1:
            return answers
        fresh = self.answer(answers.ids_BT, answers.mask_BT)
        if self._taken is not None and self._taken.answers is None:
            self._taken.answers = fresh
        return fresh


def _at_hand(found: Message) -> bool:
    """Whether the pass over the whole prompt shows all that is to be read."""
    return not found.shortened and len(windows(found)) == 1
