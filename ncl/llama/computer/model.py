"""A LLaMA with a computer, whichever way it reads prompts: the library behind the gate, `generate` and `forward`.

In use everything is hard: where a prompt calls, the answer's tokens have probability 1, and else the logits are the
backbone's own, untouched. How a prompt is read, and what is learned, is a subclass's (`answer`, `_first`, `_moved_on`,
`_with_labels`).

The library is an artefact; it is let in by the gate or the model can neither train nor call.

Legend: B rows, T tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor
from transformers import LlamaForCausalLM
from transformers.modeling_outputs import CausalLMOutputWithPast

from ncl import gate
from ncl.build import Artefact
from ncl.certificate import Certificate
from ncl.errors import ConfigurationError, GateRefused
from ncl.language.program import Program
from ncl.llama.computer import execution, generation
from ncl.llama.computer.answer_blocks import Forced
from ncl.llama.computer.cached_answers import attach_answers, attached_answers
from ncl.llama.computer.calls import Answers, Row, score
from ncl.llama.computer.config import ComputerConfig
from ncl.llama.computer.model_inputs import real_tokens, refuse_packed_rows
from ncl.llama.computer.permit import IntegrityMonitor, watch
from ncl.llama.computer.session import ALONE, PREFILL, Session, latest_of, pass_kind, session_of

LIBRARY = "library"  # in a model's folder


class LlamaWithComputer(LlamaForCausalLM):
    """See the module. `lexer` is the subclass's: its tables are what the certificate covers."""

    config_class: type[ComputerConfig] = ComputerConfig
    lexer: Any

    settings_watched: tuple[str, ...] = ("ncl_programs", "ncl_width")

    # --- the library

    def forget_library(self) -> None:
        """No library is attached, and nothing is being answered."""
        self.programs: tuple[Program, ...] = ()
        self.artefact: Artefact | None = None
        self.certificate: Certificate | None = None
        self.permit: gate.Permit | None = None
        self.watch: IntegrityMonitor | None = None

    def attach(
        self,
        artefact: Artefact,
        certificate: Certificate | None,
        policy: gate.Policy | None = None,
        tokenizer: str | None = None,
    ) -> None:
        """Let a library in through the gate. Raises GateRefused; before, the model can neither train nor call.

        `tokenizer` is the digest of the one in use (`ncl.digests.tokenizer_digest`), compared when given.
        """
        rules = policy or gate.read_policy()
        missing = [name for name in self.config.ncl_programs if name not in artefact.programs]
        if missing:
            raise GateRefused(f"the library lacks {', '.join(missing)}", where=LIBRARY)
        programs = tuple(artefact.programs[name] for name in self.config.ncl_programs)
        if any(program.sizes.width != self.config.ncl_width for program in programs):
            raise GateRefused(f"the library is not of width {self.config.ncl_width}", where=LIBRARY)
        for program in programs:
            execution.runnable(program)
        tables = self.lexer.tables()
        permit = gate.require(artefact, certificate, rules, tensors=tables, executor="integer", tokenizer=tokenizer)
        # Integers, so no cast of the model changes them: what the library's folder says is what the lexer must hold.
        if gate.tensors_digest(artefact.weights) != gate.tensors_digest(tables):
            raise GateRefused("the library's own tables are not the certified ones", where=LIBRARY)
        self.permit = permit
        self.artefact, self.certificate, self.programs = artefact, certificate, programs
        self.watch = watch(permit, programs, self._settings(), self._watched())

    def look(self) -> None:
        """Look again at what the permit rests on, as every answer does that quotes it. Raises GateRefused."""
        if self.permit is None or self.watch is None:
            raise GateRefused("no certified library is attached", where="model")
        self._own_permit()
        self.watch.look(self.programs, self._settings(), self._watched())

    def _own_permit(self) -> None:
        """Raise GateRefused when the permit that answers quote is not the one that the gate gave."""
        if self.watch is None or self.permit is not self.watch.permit:
            raise GateRefused("changed since the gate let it in: permit", where="model")

    def _settings(self) -> dict[str, Any]:
        return {name: deepcopy(getattr(self.config, name)) for name in self.settings_watched}

    def _watched(self) -> dict[str, Tensor]:
        """Small tensors that are compared to the bit."""
        return self.lexer.tables()

    def recheck(self) -> None:
        """Raise GateRefused when library or tables are no longer what the gate let in."""
        if self.permit is None or self.artefact is None:
            raise GateRefused("no certified library is attached", where="model")
        self.look()
        self.permit.recheck(self.artefact, self.lexer.tables())

    def _end(self) -> int:
        end = self.config.eos_token_id
        return int(end[0] if isinstance(end, list) else end)

    def _pad(self) -> int:
        """As transformers pads: with the end token where there is none for padding."""
        pad = self.config.pad_token_id
        return self._end() if pad is None else int(pad)

    @property
    def pad_for_answers(self) -> int:
        """What stands behind an answer that is shorter than others of its batch."""
        return self._pad()

    # --- transformers' generate and forward

    @property
    def latest(self) -> Answers | None:
        """What the latest `generate` of this thread (or asynchronous task) came to, calls included."""
        return latest_of(self)

    def generate(self, inputs: Tensor | None = None, ncl_block: bool = True, **options: Any) -> Any:
        """As in transformers; what the computer answers comes as a block unless `ncl_block` is False.

        Raises ConfigurationError for ways of generating in which an answer could not be kept (`generation`). inputs:
        (B, T); the result is (S, T and the new tokens), or what transformers gives for the options.
        """
        ids_BT = inputs if inputs is not None else options.get("input_ids")
        if ids_BT is None:
            generation.refuse_of(self, options)
            return super().generate(inputs, **options)  # it speaks without a prompt
        return generation.generate(self, ids_BT, not ncl_block, options)

    def generate_batch(self, *_arguments: Any, **_options: Any) -> Any:
        """Refused: raises ConfigurationError."""
        raise ConfigurationError(generation.BATCHING, where="generate_batch", remedy="call generate on a padded batch")

    def init_continuous_batching(self, *_arguments: Any, **_options: Any) -> Any:
        """Refused: raises ConfigurationError."""
        raise ConfigurationError(generation.BATCHING, where="continuous batching", remedy="call generate")

    def _get_logits_processor(self, *arguments: Any, **options: Any) -> Any:
        """transformers' own processors, and behind all of them the computer's."""
        processors = super()._get_logits_processor(*arguments, **options)
        session = session_of(self)
        if session is not None and (session.stepwise or session.beside):
            processors.append(Forced(session))
        return processors

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
        """As LlamaForCausalLM; where the computer answers, its tokens have probability 1; labels ask for the loss.

        input_ids: (B, T); logits: (B, those kept, V).
        """
        # `generate` makes positions for padded prompts, and leaves out logits, only for a forward that names these.
        options = {
            "attention_mask": attention_mask, "position_ids": position_ids, "past_key_values": past_key_values,
            "use_cache": use_cache, "logits_to_keep": logits_to_keep,
        }  # fmt: skip
        seen = past_key_values.get_seq_length() if past_key_values is not None else 0
        part = pass_kind(self, input_ids, seen)
        if labels is None and part not in (ALONE, PREFILL):
            return LlamaForCausalLM.forward(self, input_ids=input_ids, **options, **kwargs)
        return self._aside(part, input_ids, labels, options, kwargs)

    @torch.compiler.disable
    def _aside(
        self, part: int, ids_BT: Tensor | None, labels: Tensor | None, options: dict[str, Any], kwargs: dict[str, Any]
    ) -> CausalLMOutputWithPast:
        """What is more than a pass of the language model."""
        if labels is not None:
            return self._with_labels(ids_BT, labels, options, kwargs)
        if ids_BT is None:
            raise ConfigurationError("the lexer reads tokens: pass input_ids, not inputs_embeds")
        refuse_packed_rows(options, kwargs)
        session = session_of(self)
        if part == PREFILL and session is not None:
            answers, output = self._first(ids_BT, session.mask_BT, options, kwargs)
            session.answers = answers
            return output
        return self._alone(ids_BT, options, kwargs)

    def _alone(self, ids_BT: Tensor, options: dict[str, Any], kwargs: dict[str, Any]) -> CausalLMOutputWithPast:
        """A pass that `generate` did not ask for: its logits are the mixture's, for scores as for a loop by hand."""
        cache = options["past_key_values"]
        seen = int(cache.get_seq_length()) if cache is not None else 0
        if seen:
            before = attached_answers(cache, len(ids_BT), seen)
            output = LlamaForCausalLM.forward(self, input_ids=ids_BT, **options, **kwargs)
            answers = self._moved_on(before, ids_BT, seen)
        else:
            answers, output = self._first(ids_BT, real_tokens(ids_BT, options["attention_mask"]), options, kwargs)
        attach_answers(output.past_key_values, answers, answers.ids_BT, answers.mask_BT)
        kept, total = options["logits_to_keep"], answers.ids_BT.shape[1]
        columns: Sequence[int] = range(total - output.logits.shape[1], total)
        if isinstance(kept, Tensor):
            columns = [total - ids_BT.shape[1] + at for at in kept.tolist()]
        score(output.logits, answers, total - ids_BT.shape[1], columns)
        return output

    # --- what a subclass decides

    def answer(self, ids_BT: Tensor, mask_BT: Tensor, padded: bool = False) -> Answers:
        """Run every row's call, if its prompt makes one.

        `padded`: what stands behind a prompt and is nothing but padding is none of its answer. ids_BT, mask_BT: (B, T).
        Raises NotImplementedError here.
        """
        raise NotImplementedError

    def reads_in_first_pass(self, ids_BT: Tensor, mask_BT: Tensor) -> bool:
        """Whether the first pass over these prompts shows all that is to be read. ids_BT, mask_BT: (B, T).

        Raises NotImplementedError here.
        """
        raise NotImplementedError

    def look_again(self, session: Session, ids_BT: Tensor) -> None:
        """Called at each step of `generate`: what the language model wrote may be a prompt like any other.

        ids_BT: (S, T).
        """

    def written(self, session: Session, ids_ST: Tensor, sequences: Sequence[int]) -> dict[int, Row]:
        """Of sequences that went on by themselves, what is to stand behind the prompt. ids_ST: (S, T)."""
        return {}

    def _first(
        self, ids_BT: Tensor, mask_BT: Tensor, options: dict[str, Any], kwargs: dict[str, Any]
    ) -> tuple[Answers, CausalLMOutputWithPast]:
        """A pass over whole prompts, and what they come to; the logits are the language model's."""
        raise NotImplementedError

    def _moved_on(self, before: Answers | None, ids_BT: Tensor, seen: int) -> Answers:
        """Answers when more tokens came in behind `seen` of them."""
        raise NotImplementedError

    def _with_labels(
        self, ids_BT: Tensor | None, labels_BT: Tensor, options: dict[str, Any], kwargs: dict[str, Any]
    ) -> CausalLMOutputWithPast:
        """A pass that asks for the loss."""
        raise NotImplementedError
