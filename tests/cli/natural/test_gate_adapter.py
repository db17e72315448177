"""`ncl gate` on an adapter looks at its record, readers and library, not at the library alone."""

import json
import shutil

import pytest
from safetensors.torch import load_file, save_file

from ncl.llama.reader.quantised_weights import from_stored, to_stored


def flipped(path):
    weights = from_stored(load_file(path))
    name = sorted(weights)[0]
    weights[name] = weights[name] + 1
    save_file(to_stored(weights), path)


def edited(**changes):
    return lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


DAMAGES = {
    "a reader's weights": ("readers.safetensors", flipped),
    "readers cut": ("readers.safetensors", lambda p: p.write_bytes(p.read_bytes()[:-1])),
    "no readers": ("readers.safetensors", lambda p: p.unlink()),
    "how many calls are followed": ("adapter.json", edited(most_calls=17)),
    "another library's digest": ("adapter.json", edited(library_digest="0" * 64)),
    "a key more": ("adapter.json", edited(more=1)),
    "a width in words": ("adapter.json", edited(width="16")),
    "an empty record": ("adapter.json", lambda p: p.write_bytes(b"")),
    "a record that is a folder": ("adapter.json", lambda p: (p.unlink(), p.mkdir())),
    "a record that dangles": ("adapter.json", lambda p: (p.unlink(), p.symlink_to("nowhere"))),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_adapter_is_refused_wherever_it_is_named(ncl, run, what):
    file, damage = DAMAGES[what]
    damage(run / "adapter" / file)
    for place in ("run", "run/adapter", "run/adapter/library"):
        ran = ncl("gate", place, "--json")
        assert (ran.code, ran.document["error"]["class"]) == (1, "GateRefused"), place


def test_a_whole_adapter_passes_with_its_base_named_elsewhere(ncl, run):
    edited(base="elsewhere")(run / "adapter" / "adapter.json")
    for place in ("run", "run/adapter", "run/adapter/library", "run/artefact"):
        shown = ncl("gate", place)
        assert shown.code == (0 if (run.parent / place).exists() else 2), shown.err


def test_the_library_of_another_adapter_is_refused(ncl, run, here):
    library = run / "adapter" / "library"
    (library / "programs" / "stack.json").unlink()
    (library / "witness" / "stack.json").unlink()
    assert ncl("gate", "run").code == 1
    shutil.rmtree(library)
    assert ncl("gate", "run/adapter").code != 0
