"""What the trust page says can be recomputed is recomputed, with its own words."""

import re
import subprocess
import sys
from pathlib import Path

import torch

from ncl import certificate as record
from ncl.build import build_library

PAGE = Path(__file__).resolve().parents[2] / "docs" / "trust.md"


def test_the_block_recomputes_every_digest_of_a_certified_artefact(granted, tmp_path):
    weights = {"table": torch.arange(6.0).reshape(2, 3), "lexer.code": torch.arange(5, dtype=torch.int16)}
    library = build_library(("reverse", "count"), width=8, weights=weights)
    folder = library.save(tmp_path / "artefact")
    record.write(granted(library), folder / record.FILE_NAME)
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)

    def recomputed():
        return subprocess.run([sys.executable, "-c", block], cwd=folder, capture_output=True, text=True)

    ran = recomputed()
    assert ran.stdout == "all as certified\n", ran.stderr
    paper = folder / record.FILE_NAME
    paper.write_text(paper.read_text().replace('"device": "cpu"', '"device": "gpu"'))
    assert "AssertionError" in recomputed().stderr
