"""A pretrained LLaMA with a computer: reads a chat prompt once, and answers through certified programs where it calls.

The backbone is any `LlamaForCausalLM`, untouched. The reader looks at two of its middle layers as the prompt goes
through; a long prompt is read shortened, before anything else, and needs no pass of its own if it calls. A prompt that
calls nothing gets the backbone's logits to the bit.

Legend: B rows, T tokens, V vocabulary.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, LlamaForCausalLM
from transformers.modeling_outputs import CausalLMOutputWithPast

from ncl import gate
from ncl.build import Artefact
from ncl.certificate import Certificate
from ncl.digests import chat_tokenizer_digest, function_of, weights_digest
from ncl.errors import ConfigurationError, GateRefused
from ncl.llama.computer.cached_answers import REMEDY
from ncl.llama.computer.calls import Answers, Row
from ncl.llama.computer.model import LlamaWithComputer
from ncl.llama.computer.model_inputs import appended
from ncl.llama.computer.permit import TokenizerFingerprint, copies_of, marked
from ncl.llama.computer.save_options import saving
from ncl.llama.pretrained import checkpoint
from ncl.llama.pretrained.chat_format import Markers
from ncl.llama.pretrained.config import NCLChatLlamaConfig
from ncl.llama.pretrained.decision import SYMBOLS, Decider, Decision
from ncl.llama.pretrained.hidden_states import PromptStates, extract, from_forward_pass
from ncl.llama.pretrained.layer_hooks import capture_outputs
from ncl.llama.pretrained.number_lexer import NumberLexer
from ncl.llama.pretrained.prompt_units import Message, last_user_message, message, windows
from ncl.llama.pretrained.special_tokens import end_tokens
from ncl.llama.reader.call_plan import Library, Plan
from ncl.llama.reader.network import Reader


class NCLChatLlamaForCausalLM(LlamaWithComputer):
    """See the module. `tokenizer` spells answers; it is the base model's own."""

    config_class = NCLChatLlamaConfig
    tokenizer: Any = None

    def __init__(self, config: NCLChatLlamaConfig) -> None:
        super().__init__(config)
        self.lexer = NumberLexer(config.vocab_size)
        self.readers = torch.nn.ModuleList(
            Reader(config.hidden_size, config.ncl_side_size, len(config.ncl_programs))
            for _ in range(config.ncl_readers)
        )
        self.markers = Markers(tuple(config.ncl_before), tuple(config.ncl_after))
        self.layers = (int(config.ncl_layers[0]), int(config.ncl_layers[1]))
        self.recorded = False  # whether a record names readers and base (`watch_base`)
        self.library = Library((), ())
        self.forget_library()
        self.post_init()

    def _init_weights(self, module: torch.nn.Module) -> None:
        if isinstance(module, Reader):
            module.start()
        else:
            super()._init_weights(module)

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
        self.library = Library(self.programs, symbols)

    def look(self) -> None:
        """As above; where a record names readers and base (`watch_base`), at these too. Raises GateRefused."""
        if self.watch is None:
            raise GateRefused("no certified library is attached", where="model")
        self._own_permit()
        self.watch.check_tokenizer(self.tokenizer, chat_tokenizer_digest)
        self.watch.look(self.library.programs, self._settings(), self._watched(), self, lambda: weights_digest(self))

    def recheck(self) -> None:
        """The same, and the base's weights digested whole, which sees every edit. Raises GateRefused."""
        super().recheck()
        if not self.recorded or self.watch is None:
            return
        if weights_digest(self) != self.watch.backbone:
            raise GateRefused("changed since the gate let it in: weights of the base model", where="model")
        if chat_tokenizer_digest(self.tokenizer) != self.watch.tokenizer_digest:
            raise GateRefused("changed since the gate let it in: tokenizer", where="model")

    def watch_base(self, base_digest: str) -> None:
        """From here on the readers, the base and what the configuration says of both are watched as well."""
        assert self.watch is not None
        self.recorded = True
        self.watch.settings, self.watch.copies = self._settings(), copies_of(self._watched())
        self.watch.marks, self.watch.backbone = marked(self), base_digest
        self.watch.tokenizer_fingerprint, self.watch.tokenizer_digest = (
            TokenizerFingerprint.of(self.tokenizer),
            chat_tokenizer_digest(self.tokenizer),
        )

    def _settings(self) -> dict[str, Any]:
        settings = super()._settings()
        if self.recorded:
            own = {name: deepcopy(value) for name, value in vars(self.config).items() if name.startswith("ncl_")}
            computes = {f"config.{name}": value for name, value in function_of(self.config).items()}
            del computes["config.pad_token_id"]  # callers set it by habit; `recheck` sees it
            settings |= {
                **own,
                **computes,
                "layers": self.layers,
                "markers": self.markers,
                "symbols": self.library.symbols,
            }
        return settings

    def _watched(self) -> dict[str, Tensor]:
        found = super()._watched()
        if self.recorded:
            found |= {f"readers.{name}": tensor for name, tensor in self.readers.state_dict().items()}
            found |= {f"model.{name}": buffer for name, buffer in self.model.named_buffers()}
        return found

    # --- folders

    @classmethod
    def from_pretrained(cls, pretrained: str | os.PathLike[str], *_arguments: Any, **options: Any) -> Any:
        """The adapter in a folder on its base (`ncl_base`, when it is at hand); the gate is passed on the way.

        `ncl_policy` is a policy of the caller's own; further options are those for loading the base. Raises as
        `adapter.load_adapter`.
        """
        policy, base = options.pop("ncl_policy", None), options.pop("ncl_base", None)
        own = ("config", "use_safetensors", "_from_auto", "adapter_kwargs", "trust_remote_code")
        chosen = {name: value for name, value in options.items() if name not in own}
        return checkpoint.load(cls, Path(pretrained), base, policy, **chosen)

    def save_pretrained(self, save_directory: str | os.PathLike[str], *arguments: Any, **options: Any) -> None:
        """As in transformers: a merged folder (`checkpoint.save_into`), beside whatever else lies there.

        Raises ConfigurationError for options that such a folder cannot keep.
        """
        chosen = saving(self, save_directory, arguments, options)
        state, place = chosen.pop("state_dict", None), Path(chosen.pop("save_directory"))
        if not chosen.pop("is_main_process", True):
            return
        size = {"max_shard_size": chosen.pop("max_shard_size")} if "max_shard_size" in chosen else {}
        for name in ("token", "save_peft_format", "save_original_format"):
            chosen.pop(name, None)  # of the hub, and of models that this is not
        if unfit := [name for name, value in chosen.items() if value]:
            raise ConfigurationError(
                "a merged folder cannot be saved so", where=", ".join(unfit), remedy="leave it out"
            )
        checkpoint.save_into(self, place, state, **size)

    # --- reading

    def messages(self, ids_BT: Tensor, mask_BT: Tensor) -> list[Message | None]:
        """The last user message of each row. ids_BT, mask_BT: (B, T)."""
        rows = zip(ids_BT.tolist(), mask_BT.tolist(), strict=True)
        return [
            message([t for t, real in zip(row, mask, strict=True) if real], self.markers, self.lexer, self.largest)
            for row, mask in rows
        ]

    @property
    def decider(self) -> Decider:
        """What it decides with, as it is."""
        seal = self.permit.certificate if self.permit else ""
        return Decider(
            list(self.readers), self.library, self.markers, self.lexer, self.largest, self.config.ncl_most_calls, seal
        )

    @torch.no_grad()
    def decide(self, found: Sequence[Message], seen: Sequence[PromptStates]) -> list[Decision]:
        """What each message calls, run."""
        return [decision for _, _, decision in self.decide_with_plans(found, seen)]

    @torch.no_grad()
    def decide_with_plans(
        self, found: Sequence[Message], seen: Sequence[PromptStates]
    ) -> list[tuple[Plan, list[int], Decision]]:
        """Of each message the plan, its programs, and what they came to (`Decider.decide`). Raises GateRefused."""
        if not found:
            return []
        if self.permit is not None:
            self.look()
        return self.decider.decide(found, seen)

    # --- answering

    def answers_of(
        self, ids_BT: Tensor, mask_BT: Tensor, found: Sequence[Message | None], decisions: Sequence[Decision]
    ) -> Answers:
        """Decisions as tokens, each in its place: the prompt may hold the first of them already.

        ids_BT, mask_BT: (B, T).
        """
        rows: list[Row | None] = []
        for one, decision, real in zip(found, decisions, mask_BT.tolist(), strict=True):
            if one is None or decision.text is None:
                rows.append(None)
                continue
            columns = [at for at, there in enumerate(real) if there]
            start = columns[-len(one.given)] if one.given else columns[-1] + 1
            rows.append(Row((*self.spelled(decision.text), self._end()), start, decision.calls))
        return Answers(ids_BT, mask_BT, tuple(rows))

    def _end(self) -> int:
        """The token that the chat format puts behind a message, where it is one that ends answers."""
        appended = self.markers.after[:1]
        ends = end_tokens(self) | end_tokens(self, self.generation_config)
        return appended[0] if appended and appended[0] in ends else super()._end()

    def spelled(self, text: str) -> list[int]:
        """An answer's tokens. Raises ConfigurationError without a tokenizer."""
        if self.tokenizer is None:
            raise ConfigurationError("the model has no tokenizer to spell its answer", remedy="set model.tokenizer")
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    @torch.no_grad()
    def answer(self, ids_BT: Tensor, mask_BT: Tensor, padded: bool = False) -> Answers:
        """Read every row in a pass of its own and run what it calls.

        ids_BT, mask_BT: (B, T). Raises GateRefused without a certified library.
        """
        if padded:
            mask_BT = self._without_padding(ids_BT, mask_BT)
        found = self.messages(ids_BT, mask_BT)
        return self.answers_of(ids_BT, mask_BT, found, self.decisions(found, {}))

    def _without_padding(self, ids_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """Behind a prompt, end tokens that begin no answer are padding, whether or not a mask says so."""
        pads, mask_BT = {self._pad(), self._end()}, mask_BT.clone()
        for row, one in enumerate(self.messages(ids_BT, mask_BT)):
            if one is not None and one.given and pads.issuperset(one.given) and self.markers.after:
                mask_BT[row, mask_BT[row].nonzero().squeeze(1)[-len(one.given) :]] = False
        return mask_BT

    def decisions(self, found: Sequence[Message | None], near: dict[int, PromptStates]) -> list[Decision]:
        """What each row comes to, run. Raises GateRefused.

        `near`: rows whose units were seen in a pass that happened anyway; the others are read now.
        """
        readable = [row for row, one in enumerate(found) if one is not None and one.place]
        if readable and self.permit is None:
            raise GateRefused("no certified library is attached", where="model")
        apart = [row for row in readable if row not in near]
        if apart:
            near |= dict(zip(apart, extract(self.model, [found[r] for r in apart], self.layers, self._pad())))
        decided = dict(zip(readable, self.decide([found[r] for r in readable], [near[r] for r in readable])))
        return [decided.get(row, Decision(None)) for row in range(len(found))]

    def generate(self, inputs: Tensor | None = None, ncl_block: bool = True, **options: Any) -> Any:
        """As in transformers. Long prompts that all call are answered without a pass over the whole of them.

        Raises ConfigurationError for ways of generating in which an answer could not be kept (`generation`), and
        without a cache where no chat format tells a prompt from its answer. inputs: (B, T); the result is (S, T and the
        new tokens), or what transformers gives for the options.
        """
        if not self.markers.after:
            given = options.get("generation_config") or self.generation_config
            if options.get("use_cache", given.use_cache) is False:
                raise ConfigurationError(
                    "without a chat template an answer needs the cache", remedy="leave use_cache on"
                )
        if options.get("synced_gpus"):
            raise ConfigurationError(
                "reading a prompt takes passes that other processes do not make", where="synced_gpus",
                remedy="hold the whole model in each process",
            )  # fmt: skip
        return super().generate(inputs, ncl_block=ncl_block, **options)

    def reads_in_first_pass(self, ids_BT: Tensor, mask_BT: Tensor) -> bool:
        """Not so where a long prompt is read shortened, or in windows, or with padding behind it.

        ids_BT, mask_BT: (B, T).
        """
        found = self.messages(ids_BT, mask_BT)
        return all(one is None or (_at_hand(one) and not self._padding_of(one)) for one in found)

    def _padding_of(self, one: Message) -> bool:
        return bool(one.given) and {self._pad(), self._end()}.issuperset(one.given)

    def _with_labels(
        self, ids_BT: Tensor | None, labels_BT: Tensor, options: dict[str, Any], kwargs: dict[str, Any]
    ) -> CausalLMOutputWithPast:
        """Scores and loss are the language model's own, computed without a look at the computer."""
        return LlamaForCausalLM.forward(self, input_ids=ids_BT, labels=labels_BT, **options, **kwargs)

    def _first(
        self, ids_BT: Tensor, mask_BT: Tensor, options: dict[str, Any], kwargs: dict[str, Any]
    ) -> tuple[Answers, CausalLMOutputWithPast]:
        """Short prompts are read in the pass itself."""
        mask_BT = mask_BT.to(ids_BT.device)
        found = self.messages(ids_BT, mask_BT)
        with capture_outputs(self.model, self.layers) as states:
            output = LlamaForCausalLM.forward(self, input_ids=ids_BT, **options, **kwargs)
        near = {
            row: from_forward_pass(one, states, row, mask_BT[row], self.layers)
            for row, one in enumerate(found)
            if one is not None and _at_hand(one)
        }
        return self.answers_of(ids_BT, mask_BT, found, self.decisions(found, near)), output

    def _moved_on(self, before: Answers | None, ids_BT: Tensor, seen: int) -> Answers:
        """Another token of an answer; or, where many come at once, another turn, which is read anew."""
        if before is None:
            return self._turn(ids_BT, seen)
        size = ids_BT.shape[1]
        ids_BT, mask_BT = appended(before, ids_BT)
        return before.at(ids_BT, mask_BT) if size == 1 else self.answer(ids_BT, mask_BT)

    def _turn(self, ids_BT: Tensor, seen: int) -> Answers:
        """A whole turn behind what a cache holds that the computer has not seen: it is read as it would be alone.

        Raises ConfigurationError where the new tokens are no whole turn.
        """
        before, after = self.markers.before, self.markers.after
        whole = [
            last_user_message(row, self.markers) is not None and _holds(row, before) and _holds(row, after)
            for row in ids_BT.tolist()
        ]
        if not (before and after and all(whole)):
            raise ConfigurationError(
                "the cache was filled without the computer's state; pass the whole prompt", remedy=REMEDY
            )
        found = self.answer(ids_BT, torch.ones_like(ids_BT, dtype=torch.bool))
        ids_BT = torch.nn.functional.pad(found.ids_BT, (seen, 0), value=self._pad())
        moved = tuple(row and replace(row, start=row.start + seen) for row in found.rows)
        return Answers(ids_BT, torch.nn.functional.pad(found.mask_BT, (seen, 0), value=False), moved)


def _holds(tokens: Sequence[int], wanted: Sequence[int]) -> bool:
    return any(tuple(tokens[at : at + len(wanted)]) == tuple(wanted) for at in range(len(tokens) - len(wanted) + 1))


def _at_hand(found: Message) -> bool:
    """Whether the pass over the whole prompt shows all that is to be read."""
    return not found.shortened and len(windows(found)) == 1


AutoConfig.register(NCLChatLlamaConfig.model_type, NCLChatLlamaConfig, exist_ok=True)
AutoModelForCausalLM.register(NCLChatLlamaConfig, NCLChatLlamaForCausalLM, exist_ok=True)
