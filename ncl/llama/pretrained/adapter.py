"""An adapter on its base: the model that answers.

Called by training, the command line and users; how a folder is read and written is in `checkpoint`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ncl import gate
from ncl.llama.pretrained import checkpoint
from ncl.llama.pretrained.adapter_record import AdapterRecord
from ncl.llama.pretrained.base_model import Base
from ncl.llama.pretrained.model import NCLChatLlamaForCausalLM
from ncl.llama.pretrained.number_lexer import NumberLexer
from ncl.llama.reader.network import Reader


def load_adapter(
    folder: Path | str,
    base: Base | None = None,
    policy: gate.Policy | None = None,
    dtype: torch.dtype | str | None = None,
    **options: Any,
) -> NCLChatLlamaForCausalLM:
    """Load an adapter onto its base, which is loaded from where the record says unless it is given.

    `dtype` and further options are transformers', for loading the base; by default it runs in what the readers were
    fitted in, and a warning is logged where it does not. Raises GateRefused on another base, for
    readers, a library or a record that were edited, and where the certificate does not cover what was loaded.
    """
    return checkpoint.load(NCLChatLlamaForCausalLM, Path(folder), base, policy, dtype, **options)


def with_readers(
    base: Base, readers: Sequence[Reader], settings: AdapterRecord, lexer: NumberLexer
) -> NCLChatLlamaForCausalLM:
    """The base model with readers; its modules are shared, not copied. No library is attached yet."""
    return checkpoint.with_readers(NCLChatLlamaForCausalLM, base, readers, settings, lexer)
