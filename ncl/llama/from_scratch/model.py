"""`NCLLlamaForCausalLM`: a LLaMA whose next-token distribution is the mixture (1-κ)·LM + κ·computer.

A prompt ends with the call sign. Then the side module reads it once, the tape is written, the selected program of the
certified library runs once, and its answer lives beside the cache until it is given out. In use everything is hard: κ
is 0 or 1, and with κ = 0 the logits are the backbone's own, untouched. In training the choice is marginalised
(`likelihood`).

The library is an artefact in the checkpoint's folder `library/`; it is let in by the gate or the model does not load.

Legend: B rows, T tokens, V vocabulary.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, LlamaForCausalLM
from transformers.modeling_outputs import CausalLMOutputWithPast

from ncl import certificate as record
from ncl.build import Artefact
from ncl.digests import saved_tokenizer_digest
from ncl.errors import ConfigurationError, GateRefused, NclError
from ncl.language.program import Program
from ncl.llama.computer import execution
from ncl.llama.computer.cached_answers import REMEDY
from ncl.llama.computer.calls import Answers, Call, Row
from ncl.llama.computer.loading import LOADING, demand_tied
from ncl.llama.computer.model import LIBRARY, LlamaWithComputer
from ncl.llama.computer.model_inputs import appended, one_row, real_tokens, refuse_unknown_tokens
from ncl.llama.computer.save_options import saving
from ncl.llama.computer.session import Session
from ncl.llama.from_scratch import likelihood, tape
from ncl.llama.from_scratch.config import NCLLlamaConfig
from ncl.llama.from_scratch.lexer import Lexer, spelled
from ncl.llama.from_scratch.side_module import Reading, SideModule


class NCLLlamaForCausalLM(LlamaWithComputer):
    """See the module. `tape_generator`: of the tapes that learning samples; torch's own where it is None."""

    config_class = NCLLlamaConfig
    settings_watched = (*LlamaWithComputer.settings_watched, "ncl_call_token", "ncl_unknown_token")

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

    # --- folders

    @classmethod
    def from_pretrained(cls, pretrained: str | os.PathLike[str], *arguments: Any, **options: Any) -> Any:
        """As in transformers; the gate is passed on the way. `ncl_policy` is a policy of the caller's own.

        Only safetensors are read: a pickle could run code. A folder whose configuration is of another kind, as an
        adapter's, is loaded as transformers does (`AutoModelForCausalLM`). Raises GateRefused where the certificate
        does not cover what was loaded.
        """
        if not isinstance(options.get("config"), cls.config_class):
            config = AutoConfig.from_pretrained(pretrained)
            if not isinstance(config, cls.config_class):
                return AutoModelForCausalLM.from_pretrained(pretrained, *arguments, **options)
        policy = options.pop("ncl_policy", None)
        with LOADING:
            model = super().from_pretrained(pretrained, *arguments, **{**options, "use_safetensors": True})
        found = model[0] if isinstance(model, tuple) else model
        demand_tied(found, str(pretrained))
        folder = Path(pretrained) / LIBRARY
        try:
            artefact = Artefact.load(folder)
            certificate = record.read(folder)
            tokenizer = saved_tokenizer_digest(Path(pretrained))
        except GateRefused:
            raise
        except NclError as fault:
            raise GateRefused(str(fault).splitlines()[0], where=str(folder)) from fault
        found.attach(artefact, certificate, policy, tokenizer)
        return model

    def save_pretrained(self, save_directory: str | os.PathLike[str], *arguments: Any, **options: Any) -> None:
        """As in transformers, with the library and its certificate beside the weights.

        Raises ConfigurationError for a push to the hub, which would leave the library behind.
        """
        if self.artefact is None or self.certificate is None:
            raise ConfigurationError("a model without a certified library is not saved", remedy="attach one first")
        chosen = saving(self, save_directory, arguments, options)
        super().save_pretrained(**chosen)
        if chosen.get("is_main_process", True):
            self.artefact.save(Path(save_directory) / LIBRARY, self.certificate)

    # --- reading prompts

    def prompt_mask(self, ids_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """The tokens up to and including the first call sign; nothing in rows without one.

        ids_BT, mask_BT and the result: (B, T).
        """
        sign_BT = (ids_BT == self.config.ncl_call_token) & mask_BT
        before_BT = sign_BT.long().cumsum(1) - sign_BT.long() == 0
        return before_BT & mask_BT & sign_BT.any(1, keepdim=True)

    def read(self, ids_BT: Tensor, prompt_BT: Tensor) -> tuple[Reading, tape.Literals]:
        """What the side module says of prompts (B, T), and their literals."""
        words_BT = self.lexer.words_of(ids_BT)
        literal_BT = (words_BT >= 0) & prompt_BT
        # Token embeddings have neither position nor context; the side module brings what context it needs.
        reading = self.side_module(self.model.embed_tokens(ids_BT), literal_BT, prompt_BT)
        return reading, tape.Literals.of(words_BT, literal_BT, reading)

    @torch.no_grad()
    def answer(self, ids_BT: Tensor, mask_BT: Tensor, padded: bool = False) -> Answers:
        """Run every row's call, if its prompt makes one. All hard: the most probable tape and program.

        `padded`: what stands behind a prompt and is nothing but padding is none of its answer. ids_BT, mask_BT: (B, T).
        Raises GateRefused without a certified library.
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
        refuse_unknown_tokens(ids_BT, prompt_BT & (choice_B > 0)[:, None], self.config.ncl_unknown_token)
        # Behind the call sign; the prompt may be padded on either side.
        starts = (prompt_BT.long() * torch.arange(1, prompt_BT.shape[1] + 1, device=prompt_BT.device)).amax(1).tolist()
        for number, program in enumerate(self.programs, 1):
            chosen_S = (choice_B == number).nonzero().squeeze(1)
            if not len(chosen_S):
                continue
            values_SM, lengths_S = tapes.values_BKM[chosen_S, 0], tapes.lengths_BK[chosen_S, 0]
            outcome = execution.run(program, values_SM, lengths_S, tapes.argument_BK[chosen_S, 0])
            tokens_SA, fine_S = spelled(outcome, self.lexer, self._end())
            least = 2 if execution.takes_argument(program) else 1
            for place, row in enumerate(chosen_S.tolist()):
                # A tape without the numbers that the prompt has, which no text wrote, is no call.
                unwritten = not int(lengths_S[place]) and int(literals.there_BL[row].sum()) >= least
                # A trapped or unspellable answer is none: the language model speaks for itself.
                if fine_S[place] and not unwritten:
                    size = int(outcome.lengths_S[place]) + 1
                    call = self._told(program, tapes, row, outcome, place)
                    found[row] = Row(tuple(tokens_SA[place, :size].tolist()), starts[row], (call,))

    def _told(self, program: Program, tapes: tape.Tapes, row: int, outcome: execution.Outcome, place: int) -> Call:
        return Call(
            program.name,
            tuple(tapes.values_BKM[row, 0, : int(tapes.lengths_BK[row, 0])].tolist()),
            int(tapes.argument_BK[row, 0]) if execution.takes_argument(program) else None,
            tuple(outcome.values_SA[place, : int(outcome.lengths_S[place])].tolist()),
            int(outcome.steps_S[place]),
            self.permit.certificate if self.permit else "",
        )

    def reads_in_first_pass(self, ids_BT: Tensor, mask_BT: Tensor) -> bool:
        """Whether the first pass over these prompts shows all that is to be read. ids_BT, mask_BT: (B, T)."""
        return True

    def look_again(self, session: Session, ids_BT: Tensor) -> None:
        """The language model itself may write a call sign; from there on it is a prompt like any other.

        ids_BT: (S, T).
        """
        if len(ids_BT) != len(session.ids_BT) or session.answers is None or not self._signed(ids_BT[:, -1]):
            return
        found = list(session.answers.rows)
        for row, answer in self.written(session, ids_BT, [r for r in range(len(found)) if found[r] is None]).items():
            found[row] = answer
        session.answers = Answers(session.answers.ids_BT, session.answers.mask_BT, tuple(found))

    def written(self, session: Session, ids_ST: Tensor, sequences: Sequence[int]) -> dict[int, Row]:
        """Of sequences that went on to a call sign by themselves, what is to stand behind the prompt.

        ids_ST: (S, T).
        """
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

    def _first(
        self, ids_BT: Tensor, mask_BT: Tensor, options: dict[str, Any], kwargs: dict[str, Any]
    ) -> tuple[Answers, CausalLMOutputWithPast]:
        """A pass over whole prompts, and what they come to; the logits are the language model's."""
        return self.answer(ids_BT, mask_BT), LlamaForCausalLM.forward(self, input_ids=ids_BT, **options, **kwargs)

    def _moved_on(self, before: Answers | None, ids_BT: Tensor, seen: int) -> Answers:
        """Answers when more tokens came in behind `seen` of them."""
        if before is None:
            raise ConfigurationError(
                "the cache was filled without the computer's state; pass the whole prompt", remedy=REMEDY
            )
        ids_BT, mask_BT = appended(before, ids_BT)
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


AutoConfig.register(NCLLlamaConfig.model_type, NCLLlamaConfig, exist_ok=True)
AutoModelForCausalLM.register(NCLLlamaConfig, NCLLlamaForCausalLM, exist_ok=True)
