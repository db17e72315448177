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
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, LlamaForCausalLM, StoppingCriteriaList
from transformers.modeling_outputs import CausalLMOutputWithPast

from ncl import certificate as record
from ncl import gate
from ncl.build import Artefact
from ncl.certificate import Certificate
from ncl.errors import ConfigurationError, GateRefused, NclError
from ncl.language.program import Program
from ncl.llama import select, tape
from ncl.llama.block import BlockStreamer, StopTaken, Taken, spliced
from ncl.llama.call import Answers, Call
from ncl.llama.config import NCLLlamaConfig
from ncl.llama.lexer import Lexer
from ncl.llama.permit import Watch, watch
from ncl.llama.side_module import Reading, SideModule
from ncl.llama.tokenizer import digest_in as tokenizer_digest

LIBRARY, ADAPTER = "library", "adapter.json"
TAPES = 16  # sampled a prompt while learning


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
        self._taken: Taken | None = None  # while `generate` runs
        self.latest: Answers | None = None  # what the last `generate` that gave out blocks came to, calls included

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
        self.watch.look(self.programs, self._settings(), self._watched())

    def _settings(self) -> dict[str, Any]:
        names = ("ncl_programs", "ncl_width", "ncl_call_token")
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
        """As in transformers, with the library and its certificate beside the weights."""
        if self.artefact is None or self.paper is None:
            raise ConfigurationError("a model without a certified library is not saved", remedy="attach one first")
        super().save_pretrained(save_directory, *arguments, **options)
        folder = Path(save_directory) / LIBRARY
        self.artefact.save(folder)
        record.write(self.paper, folder / record.FILE_NAME)

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
    def answer(self, ids_BT: Tensor, mask_BT: Tensor) -> Answers:
        """Run every row's call, if its prompt makes one. All hard: the most probable tape and program."""
        prompt_BT = self.prompt_mask(ids_BT, mask_BT)
        asked_B = prompt_BT.any(1)
        at_B = torch.where(asked_B, (mask_BT & ~prompt_BT).sum(1), -1)
        batch = len(ids_BT)
        end = self._end()
        answers = Answers(
            ids_BT, mask_BT, torch.full((batch, 1), end, device=ids_BT.device),
            torch.zeros(batch, dtype=torch.bool, device=ids_BT.device), at_B, [()] * batch,
        )  # fmt: skip
        if bool(asked_B.any()):
            self.look()
            self._run_calls(answers, prompt_BT, asked_B)
        return answers

    def _run_calls(self, answers: Answers, prompt_BT: Tensor, asked_B: Tensor) -> None:
        reading, literals = self.read(answers.ids_BT, prompt_BT)
        tapes = tape.decided(literals)
        choice_B = torch.where(asked_B, reading.selection_BP.argmax(1), 0)
        rows = []
        for number, program in enumerate(self.programs, 1):
            chosen_S = (choice_B == number).nonzero().squeeze(1)
            if not len(chosen_S):
                continue
            values_SM, lengths_S = tapes.values_BKM[chosen_S, 0], tapes.lengths_BK[chosen_S, 0]
            outcome = select.run(program, values_SM, lengths_S, tapes.argument_BK[chosen_S, 0])
            tokens_SA, fine_S = select.spelled(outcome, self.lexer, self._end())
            rows.append((chosen_S, tokens_SA.to(chosen_S.device), fine_S.to(chosen_S.device)))
            for place, row in enumerate(chosen_S.tolist()):
                if fine_S[place]:
                    answers.calls[row] = (self._told(program, tapes, row, outcome, place),)
        size = max((tokens.shape[1] for _, tokens, _ in rows), default=1)
        answers.tokens_BA = torch.full((len(choice_B), size), self._end(), device=choice_B.device)
        for chosen_S, tokens_SA, fine_S in rows:
            answers.tokens_BA[chosen_S, : tokens_SA.shape[1]] = tokens_SA
            # A trapped or unspellable answer is none: the language model speaks for itself.
            answers.called_B[chosen_S] = fine_S

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

    # --- transformers' generate and forward

    def generate(self, inputs: Tensor | None = None, ncl_block: bool = True, **options: Any) -> Any:
        """As in transformers; what the computer answers comes as a block unless `ncl_block` is False."""
        ids_BT = inputs if inputs is not None else options.get("input_ids")
        if not ncl_block or ids_BT is None or asked(self, options, "num_beams") not in (None, 1):
            return super().generate(inputs, **options)
        self._taken, most = (taken := Taken()), most_new(options, ids_BT.shape[1])
        self.latest = None
        try:
            criteria = StoppingCriteriaList([*(options.pop("stopping_criteria", None) or ()), StopTaken(taken)])
            if options.get("streamer") is not None:
                options["streamer"] = BlockStreamer(options["streamer"], taken, most)
            out = super().generate(inputs, stopping_criteria=criteria, **options)
        finally:
            self._taken = None
        self.latest = taken.answers
        if isinstance(out, Tensor):
            return spliced(out, ids_BT.shape[1], taken, self._pad(), most)
        out.sequences = spliced(out.sequences, ids_BT.shape[1], taken, self._pad(), most)
        return out

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
        """As LlamaForCausalLM; the mixture's logits where the computer answers; labels ask for the marginal loss."""
        # `generate` makes positions for padded prompts, and leaves out logits, only for a forward that names these.
        options = {
            "attention_mask": attention_mask, "position_ids": position_ids, "past_key_values": past_key_values,
            "use_cache": use_cache, "logits_to_keep": logits_to_keep,
        }  # fmt: skip
        if input_ids is None:
            raise ConfigurationError("the lexer reads tokens: pass input_ids, not inputs_embeds")
        if labels is not None:
            return self._learn(input_ids, labels, options, kwargs)
        seen = past_key_values.get_seq_length() if past_key_values is not None else 0
        answers = getattr(past_key_values, "ncl_answers", None)
        output = super().forward(input_ids=input_ids, **options, **kwargs)
        if seen and answers is not None:
            answers = self._moved_on(answers, input_ids)
        elif seen:
            raise ConfigurationError("the cache was filled without the computer's state; pass the whole prompt")
        else:
            answers = self.answer(input_ids, real_tokens(input_ids, attention_mask))
            if self._taken is not None and self._taken.answers is None:
                self._taken.answers = answers
        if output.past_key_values is not None:
            output.past_key_values.ncl_answers = answers
        output.logits = mixed(output.logits, answers)
        return output

    def _moved_on(self, answers: Answers, ids_BT: Tensor) -> Answers:
        if len(answers.at_B) != len(ids_BT):
            raise ConfigurationError("the batch changed while an answer was given out (beams, contrastive search)",
                                     remedy="generate greedily or by sampling")  # fmt: skip
        before_B = answers.at_B < 0
        answers.extend(ids_BT)
        sign_B = ((ids_BT == self.config.ncl_call_token).any(1)) & before_B
        # The language model itself may write a call sign; from there on it is a prompt like any other.
        return self.answer(answers.ids_BT, answers.mask_BT) if bool(sign_B.any()) else answers

    # --- learning

    def _learn(
        self, ids_BT: Tensor, labels_BT: Tensor, options: dict[str, Any], kwargs: dict[str, Any]
    ) -> CausalLMOutputWithPast:
        """-log of the mixture's probability of each row's answer; plain next-token loss without a call."""
        items = kwargs.pop("num_items_in_batch", None)
        output = super().forward(input_ids=ids_BT, **options, **kwargs)
        mask_BT = real_tokens(ids_BT, options["attention_mask"])
        prompt_BT = self.prompt_mask(ids_BT, mask_BT)
        plain_B = _log_likelihood(output.logits, labels_BT)
        asked_B = prompt_BT.any(1)
        log_B = plain_B
        if bool(asked_B.any()):
            if self.permit is None:
                raise GateRefused("no certified library is attached", where="training")
            log_B = torch.where(asked_B, self._marginal(ids_BT, prompt_BT, labels_BT, plain_B), plain_B)
        output.loss = -log_B.sum() / (len(log_B) if items is None else items)
        return output

    def _marginal(self, ids_BT: Tensor, prompt_BT: Tensor, labels_BT: Tensor, plain_B: Tensor) -> Tensor:
        reading, literals = self.read(ids_BT, prompt_BT)
        tapes = tape.sampled(literals, TAPES if self.training else 1, self.tape_generator)
        matches = select.matches(self.programs, tapes, _answers(labels_BT, self._end()), self.lexer, self._end())
        return select.marginal(reading.selection_BP, plain_B, self.programs, tapes, matches)


def most_new(options: dict[str, Any], prompt: int) -> int | None:
    """How many new tokens the caller allows; None where nothing was said."""
    given = options.get("generation_config")
    for source in (options, vars(given) if given is not None else {}):
        if source.get("max_new_tokens") is not None:
            return int(source["max_new_tokens"])
        if source.get("max_length") is not None:
            return max(0, int(source["max_length"]) - prompt)
    return None


def asked(model: Any, options: dict[str, Any], name: str) -> Any:
    """What a caller asks of `generate`, here or in the model's own generation_config."""
    given = options.get("generation_config")
    return options.get(name, getattr(given if given is not None else model.generation_config, name, None))


def real_tokens(ids_BT: Tensor, attention_mask: Any) -> Tensor:
    """Which tokens are real; of a mask made for attention itself (4-D), those that the last token sees."""
    size = ids_BT.shape[1]
    if not isinstance(attention_mask, Tensor) or attention_mask.dim() not in (2, 4):
        return torch.ones_like(ids_BT, dtype=torch.bool)
    if attention_mask.dim() == 2:
        return attention_mask[:, -size:].bool()
    seen_BT = attention_mask[:, 0, -1, :size]
    return seen_BT if seen_BT.dtype == torch.bool else seen_BT == 0


def mixed(logits_BTV: Tensor, answers: Answers | None) -> Tensor:
    """Hard mixture at the last position. Rows that the language model answers keep their logits to the bit."""
    if answers is None:
        return logits_BTV
    active_B, token_B = answers.forced()
    if not bool(active_B.any()):
        return logits_BTV
    last_BV = logits_BTV[:, -1]
    forced_BV = torch.full_like(last_BV, torch.finfo(last_BV.dtype).min).scatter(1, token_B[:, None], 0.0)
    mixed_BV = torch.where(active_B[:, None], forced_BV, last_BV)
    return torch.cat([logits_BTV[:, :-1], mixed_BV[:, None]], 1)


def _log_likelihood(logits_BTV: Tensor, labels_BT: Tensor) -> Tensor:
    """log-probability of each row's labels (-100: none), in float32."""
    gold_BT = labels_BT[:, 1:]
    log_BTV = logits_BTV[:, :-1].float().log_softmax(-1)
    log_BT = log_BTV.gather(2, gold_BT.clamp(min=0)[..., None]).squeeze(-1)
    return (log_BT * (gold_BT != -100)).sum(1)


def _answers(labels_BT: Tensor, end: int) -> Tensor:
    """The labels of each row moved to the front, padded with the end token."""
    there_BT = labels_BT != -100
    order_BT = (~there_BT).int().argsort(dim=1, stable=True)
    size = max(1, int(there_BT.sum(1).max()))
    moved_BT = labels_BT.gather(1, order_BT)
    return torch.where(moved_BT == -100, end, moved_BT)[:, :size]


AutoConfig.register("ncl_llama", NCLLlamaConfig, exist_ok=True)
AutoModelForCausalLM.register(NCLLlamaConfig, NCLLlamaForCausalLM, exist_ok=True)
