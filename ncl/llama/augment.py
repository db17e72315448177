"""`NCLLlamaForCausalLM`: a LLaMA whose next-token distribution is the mixture (1-κ)·LM + κ·computer.

A prompt ends with the call sign. Then the side module reads it once, the tape is written, the selected program of the
certified library runs once, and its answer lives beside the cache until it is given out. In use everything is hard: κ
is 0 or 1, and with κ = 0 the logits are the backbone's own, untouched. In training the choice is marginalised
(`select`).

The library is an artefact in the checkpoint's folder `library/`; it is let in by the gate or the model does not load.

Legend: B rows, T tokens, V vocabulary.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, LlamaForCausalLM
from transformers.modeling_outputs import CausalLMOutputWithPast

from ncl import certificate as record
from ncl import gate
from ncl.build import Artefact
from ncl.certificate import Certificate
from ncl.errors import ConfigurationError, GateRefused, NclError
from ncl.language.program import Program
from ncl.llama import generating, likelihood, select, tape
from ncl.llama.beside import ALL, beside, put_beside
from ncl.llama.block import Forced
from ncl.llama.call import Answers, Call, Row, score
from ncl.llama.config import NCLLlamaConfig
from ncl.llama.incoming import behind, known, one_row, packed, real_tokens
from ncl.llama.lexer import Lexer
from ncl.llama.permit import Watch, watch
from ncl.llama.saving import saving
from ncl.llama.session import ALONE, PREFILL, Session, latest_of, part_of, session_of
from ncl.llama.side_module import Reading, SideModule
from ncl.llama.tokenizer import digest_in as tokenizer_digest

LIBRARY, ADAPTER = "library", "adapter.json"


class NCLLlamaForCausalLM(LlamaForCausalLM):
    config_class = NCLLlamaConfig

    def __init__(self, config: NCLLlamaConfig) -> None:
        super().__init__(config)
        self.lexer = Lexer(config.ncl_words, config.ncl_width)
        self.side_module = SideModule(config.hidden_size, config.ncl_side_size, len(config.ncl_programs))
        self.tape_generator: torch.Generator | None = None
        self.forget_library()
        self.post_init()

    def _init_weights(self, module: torch.nn.Module) -> None:
        if isinstance(module, Lexer):
            module.rebuild()
        elif isinstance(module, SideModule):
            module.start()
        else:
            super()._init_weights(module)

    # --- the library

    def forget_library(self) -> None:
        """No library is attached, and nothing is being answered."""
        self.programs: tuple[Program, ...] = ()
        self.artefact: Artefact | None = None
        self.paper: Certificate | None = None
        self.permit: gate.Permit | None = None
        self.watch: Watch | None = None

    def attach(
        self,
        artefact: Artefact,
        certificate: Certificate | None,
        policy: gate.Policy | None = None,
        tokenizer: str | None = None,
    ) -> None:
        """Let a library in through the gate. Raises GateRefused; before, the model can neither train nor call.

        `tokenizer` is the digest of the one in use (`tokenizer.digest_of`), compared when given.
        """
        rules = policy or gate.read_policy()
        missing = [name for name in self.config.ncl_programs if name not in artefact.programs]
        if missing:
            raise GateRefused(f"the library lacks {', '.join(missing)}", where=LIBRARY)
        programs = tuple(artefact.programs[name] for name in self.config.ncl_programs)
        if any(program.sizes.width != self.config.ncl_width for program in programs):
            raise GateRefused(f"the library is not of width {self.config.ncl_width}", where=LIBRARY)
        for program in programs:
            select.runnable(program)
        tables = self.lexer.tables()
        permit = gate.require(artefact, certificate, rules, tensors=tables, executor="integer", tokenizer=tokenizer)
        # Integers, so no cast of the model changes them: what the library's folder says is what the lexer must hold.
        if gate.tensors_digest(artefact.weights) != gate.tensors_digest(tables):
            raise GateRefused("the library's own tables are not the certified ones", where=LIBRARY)
        self.permit = permit
        self.artefact, self.paper, self.programs = artefact, certificate, programs
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
        names = ("ncl_programs", "ncl_width", "ncl_call_token", "ncl_unknown_token")
        return {name: deepcopy(getattr(self.config, name)) for name in names}

    def _watched(self) -> dict[str, Tensor]:
        """Small tensors that are compared to the bit."""
        return self.lexer.tables()

    def recheck(self) -> None:
        """Raise GateRefused when library or tables are no longer what the gate let in."""
        if self.permit is None or self.artefact is None:
            raise GateRefused("no certified library is attached", where="model")
        self.look()
        self.permit.recheck(self.artefact, self.lexer.tables())

    @classmethod
    def from_pretrained(cls, pretrained: str | os.PathLike[str], *arguments: Any, **options: Any) -> Any:
        """As in transformers; the gate is passed on the way. `ncl_policy` is a policy of the caller's own.

        Only safetensors are read: a pickle could run code. An adapter's folder is loaded onto its base (`ncl_base`,
        when it is at hand), and options are those for loading the base.
        """
        policy, base = options.pop("ncl_policy", None), options.pop("ncl_base", None)
        if (Path(pretrained) / ADAPTER).is_file():
            from ncl.llama.adapter import load_adapter

            own = ("config", "use_safetensors", "_from_auto", "adapter_kwargs", "trust_remote_code")
            return load_adapter(Path(pretrained), base, policy, **{k: v for k, v in options.items() if k not in own})
        model = super().from_pretrained(pretrained, *arguments, **{**options, "use_safetensors": True})
        found = model[0] if isinstance(model, tuple) else model
        folder = Path(pretrained) / LIBRARY
        try:
            artefact = Artefact.load(folder)
            paper = record.read(folder)
            tokenizer = tokenizer_digest(Path(pretrained))
        except GateRefused:
            raise
        except NclError as fault:
            raise GateRefused(str(fault).splitlines()[0], where=str(folder)) from fault
        found.attach(artefact, paper, policy, tokenizer)
        return model

    def save_pretrained(self, save_directory: str | os.PathLike[str], *arguments: Any, **options: Any) -> None:
        """As in transformers, with the library and its certificate beside the weights.

        Raises ConfigurationError for a push to the hub, which would leave the library behind.
        """
        if self.artefact is None or self.paper is None:
            raise ConfigurationError("a model without a certified library is not saved", remedy="attach one first")
        chosen = saving(self, save_directory, arguments, options)
        super().save_pretrained(**chosen)
        if chosen.get("is_main_process", True):
            self.artefact.save(Path(save_directory) / LIBRARY, self.paper)

    # --- reading prompts

    def prompt_mask(self, ids_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """The tokens up to and including the first call sign; nothing in rows without one."""
        sign_BT = (ids_BT == self.config.ncl_call_token) & mask_BT
        before_BT = sign_BT.long().cumsum(1) - sign_BT.long() == 0
        return before_BT & mask_BT & sign_BT.any(1, keepdim=True)

    def read(self, ids_BT: Tensor, prompt_BT: Tensor) -> tuple[Reading, tape.Literals]:
        words_BT = self.lexer.words_of(ids_BT)
        literal_BT = (words_BT >= 0) & prompt_BT
        # Token embeddings have neither position nor context; the side module brings what context it needs.
        reading = self.side_module(self.model.embed_tokens(ids_BT), literal_BT, prompt_BT)
        return reading, tape.Literals.of(words_BT, literal_BT, reading)

    @torch.no_grad()
    def answer(self, ids_BT: Tensor, mask_BT: Tensor, padded: bool = False) -> Answers:
        """Run every row's call, if its prompt makes one. All hard: the most probable tape and program.

        `padded`: what stands behind a prompt and is nothing but padding is none of its answer.
        """
        ids_BT, mask_BT = ids_BT.to(self.device), mask_BT.to(self.device)
        prompt_BT = self.prompt_mask(ids_BT, mask_BT)
        found: list[Row | None] = [None] * len(ids_BT)
        if bool(prompt_BT.any()):
            self.look()
            self._run_calls(found, ids_BT, prompt_BT)
        return Answers(ids_BT, mask_BT, tuple(found))

    def _run_calls(self, found: list[Row | None], ids_BT: Tensor, prompt_BT: Tensor) -> None:
        reading, literals = self.read(ids_BT, prompt_BT)
        tapes = tape.decided(literals)
        choice_B = torch.where(prompt_BT.any(1), reading.selection_BP.argmax(1), 0)
        known(ids_BT, prompt_BT & (choice_B > 0)[:, None], self.config.ncl_unknown_token)
        # Behind the call sign; the prompt may be padded on either side.
        starts = (prompt_BT.long() * torch.arange(1, prompt_BT.shape[1] + 1, device=prompt_BT.device)).amax(1).tolist()
        for number, program in enumerate(self.programs, 1):
            chosen_S = (choice_B == number).nonzero().squeeze(1)
            if not len(chosen_S):
                continue
            values_SM, lengths_S = tapes.values_BKM[chosen_S, 0], tapes.lengths_BK[chosen_S, 0]
            outcome = select.run(program, values_SM, lengths_S, tapes.argument_BK[chosen_S, 0])
            tokens_SA, fine_S = select.spelled(outcome, self.lexer, self._end())
            least = 2 if select.takes_argument(program) else 1
            for place, row in enumerate(chosen_S.tolist()):
                # A tape without the numbers that the prompt has, which no text wrote, is no call.
                unwritten = not int(lengths_S[place]) and int(literals.there_BL[row].sum()) >= least
                # A trapped or unspellable answer is none: the language model speaks for itself.
                if fine_S[place] and not unwritten:
                    size = int(outcome.lengths_S[place]) + 1
                    call = self._told(program, tapes, row, outcome, place)
                    found[row] = Row(tuple(tokens_SA[place, :size].tolist()), starts[row], (call,))

    def _told(self, program: Program, tapes: tape.Tapes, row: int, outcome: select.Outcome, place: int) -> Call:
        return Call(
            program.name,
            tuple(tapes.values_BKM[row, 0, : int(tapes.lengths_BK[row, 0])].tolist()),
            int(tapes.argument_BK[row, 0]) if select.takes_argument(program) else None,
            tuple(outcome.values_SA[place, : int(outcome.lengths_S[place])].tolist()),
            int(outcome.steps_S[place]),
            self.permit.certificate if self.permit else "",
        )

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

        Raises ConfigurationError for ways of generating in which an answer could not be kept (`generating`).
        """
        ids_BT = inputs if inputs is not None else options.get("input_ids")
        if ids_BT is None:
            generating.refuse_of(self, options)
            return super().generate(inputs, **options)  # it speaks without a prompt
        return generating.generate(self, ids_BT, not ncl_block, options)

    def generate_batch(self, *_arguments: Any, **_options: Any) -> Any:
        """Refused: raises ConfigurationError."""
        raise ConfigurationError(generating.BATCHING, where="generate_batch", remedy="call generate on a padded batch")

    def init_continuous_batching(self, *_arguments: Any, **_options: Any) -> Any:
        """Refused: raises ConfigurationError."""
        raise ConfigurationError(generating.BATCHING, where="continuous batching", remedy="call generate")

    def _get_logits_processor(self, *arguments: Any, **options: Any) -> Any:
        """transformers' own processors, and behind all of them the computer's."""
        processors = super()._get_logits_processor(*arguments, **options)
        session = session_of(self)
        if session is not None and (session.stepwise or session.beside):
            processors.append(Forced(session))
        return processors

    def reads_in_first_pass(self, ids_BT: Tensor, mask_BT: Tensor) -> bool:
        """Whether the first pass over these prompts shows all that is to be read."""
        return True

    def look_again(self, session: Session, ids_BT: Tensor) -> None:
        """The language model itself may write a call sign; from there on it is a prompt like any other."""
        if len(ids_BT) != len(session.ids_BT) or session.answers is None or not self._signed(ids_BT[:, -1]):
            return
        found = list(session.answers.rows)
        for row, answer in self.written(session, ids_BT, [r for r in range(len(found)) if found[r] is None]).items():
            found[row] = answer
        session.answers = Answers(session.answers.ids_BT, session.answers.mask_BT, tuple(found))

    def written(self, session: Session, ids_ST: Tensor, sequences: Sequence[int]) -> dict[int, Row]:
        """Of sequences that went on to a call sign by themselves, what is to stand behind the prompt."""
        found = {}
        for s in sequences:
            real_T = session.mask_BT[s * len(session.ids_BT) // len(ids_ST)]
            new = ids_ST[s, session.prompt :].tolist()
            sign = self.config.ncl_call_token
            if sign not in new or self._signed(ids_ST[s, : session.prompt][real_T.to(ids_ST.device)]):
                continue
            own = new[: new.index(sign) + 1]
            (row,) = self.answer(*one_row(ids_ST[s, : session.prompt + len(own)], real_T)).rows
            if row is not None:
                found[s] = Row((*own, *row.tokens), session.prompt, row.calls)
        return found

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
        """As LlamaForCausalLM; where the computer answers, its tokens have probability 1; labels ask for the loss."""
        # `generate` makes positions for padded prompts, and leaves out logits, only for a forward that names these.
        options = {
            "attention_mask": attention_mask, "position_ids": position_ids, "past_key_values": past_key_values,
            "use_cache": use_cache, "logits_to_keep": logits_to_keep,
        }  # fmt: skip
        seen = past_key_values.get_seq_length() if past_key_values is not None else 0
        part = part_of(self, input_ids, seen)
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
        packed(options, kwargs)
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
            before = beside(cache, len(ids_BT), seen)
            output = LlamaForCausalLM.forward(self, input_ids=ids_BT, **options, **kwargs)
            answers = self._moved_on(before, ids_BT, seen)
        else:
            answers, output = self._first(ids_BT, real_tokens(ids_BT, options["attention_mask"]), options, kwargs)
        put_beside(output.past_key_values, answers, answers.ids_BT, answers.mask_BT)
        kept, total = options["logits_to_keep"], answers.ids_BT.shape[1]
        columns: Sequence[int] = range(total - output.logits.shape[1], total)
        if isinstance(kept, Tensor):
            columns = [total - ids_BT.shape[1] + at for at in kept.tolist()]
        score(output.logits, answers, total - ids_BT.shape[1], columns)
        return output

    def _first(
        self, ids_BT: Tensor, mask_BT: Tensor, options: dict[str, Any], kwargs: dict[str, Any]
    ) -> tuple[Answers, CausalLMOutputWithPast]:
        """A pass over whole prompts, and what they come to; the logits are the language model's."""
        return self.answer(ids_BT, mask_BT), LlamaForCausalLM.forward(self, input_ids=ids_BT, **options, **kwargs)

    def _moved_on(self, before: Answers | None, ids_BT: Tensor, seen: int) -> Answers:
        """Answers when more tokens came in behind `seen` of them."""
        if before is None:
            raise ConfigurationError(
                "the cache was filled without the computer's state; pass the whole prompt", remedy=ALL
            )
        ids_BT, mask_BT = behind(before, ids_BT)
        fresh = [row for row in range(len(ids_BT)) if before.rows[row] is None and self._signed(ids_BT[row, seen:])]
        return self.answer(ids_BT, mask_BT) if fresh else before.at(ids_BT, mask_BT)

    def _signed(self, tokens_T: Tensor) -> bool:
        return bool((tokens_T == self.config.ncl_call_token).any())

    # --- learning

    def _with_labels(
        self, ids_BT: Tensor | None, labels_BT: Tensor, options: dict[str, Any], kwargs: dict[str, Any]
    ) -> CausalLMOutputWithPast:
        """-log of the mixture's probability of each row's answer; plain next-token loss without a call."""
        if ids_BT is None:
            raise ConfigurationError("the lexer reads tokens: pass input_ids, not inputs_embeds")
        items = kwargs.pop("num_items_in_batch", None)
        output = super().forward(input_ids=ids_BT, **options, **kwargs)
        mask_BT = real_tokens(ids_BT, options["attention_mask"])
        log_B = likelihood.of_answers(self, ids_BT, self.prompt_mask(ids_BT, mask_BT), labels_BT, output.logits)
        output.loss = -log_B.sum() / (len(log_B) if items is None else items)
        return output


AutoConfig.register("ncl_llama", NCLLlamaConfig, exist_ok=True)
AutoModelForCausalLM.register(NCLLlamaConfig, NCLLlamaForCausalLM, exist_ok=True)
