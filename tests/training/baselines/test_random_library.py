"""Random programs: well-formed, of the shipped signatures, compiled and proved to be what their source says."""

import natural_made
import pytest

from ncl import certificate as record
from ncl import library
from ncl.build import build_library
from ncl.digests import tokenizer_digest
from ncl.errors import GateRefused
from ncl.llama.pretrained.adapter_record import PROGRAMS
from ncl.training.baselines.random_library import FILE, source
from ncl.training.pretrained.run import find_run, library_for, open_computer, open_system, train_system
from ncl.verify.certification.prove import prove
from ncl.verify.engine.executors import run
from ncl.verify.runs.differential import check_compiled
from ncl.verify.runs.input_spaces import random_inputs


@pytest.fixture
def built(tmp_path):
    """`built(seed)`: the library of a seed."""

    def make(seed):
        file = tmp_path / f"{seed}.py"
        file.write_text(source(seed), encoding="utf-8")
        return build_library([str(file)], memory=64)

    return make


def test_every_seed_compiles_to_the_shipped_signatures(built):
    for seed in range(25):
        programs = built(seed).programs
        assert list(programs) == list(PROGRAMS)
        for name, program in programs.items():
            assert program.signature == library.get(name).signature


def test_the_same_seed_gives_the_same_programs_and_another_others(built):
    assert source(3) == source(3)
    codes = {program.code for seed in range(5) for program in built(seed).programs.values()}
    assert len(codes) == 5 * len(PROGRAMS)


def test_it_runs_as_its_source_says(built):
    made = built(0)
    for name, program in made.programs.items():
        assert check_compiled(made.functions[name], program).green
        batch = random_inputs(program, 40, 0, longest=16)
        by_source, by_code = (
            run(executor, program, made.functions[name], batch, 10_000) for executor in ("source", "integer")
        )
        assert [(r.result, r.ticks, r.trap) for r in by_code] == [(r.result, r.ticks, r.trap) for r in by_source]


@pytest.mark.nightly
def test_it_is_proved_to_be_what_its_source_says(built):
    proof = prove(built(0), machine=False, use_cache=False)
    assert proof.ok, str(proof)
    assert {f.obligation.kind for f in proof.findings} >= {"compiled", "source", "executor"}


def test_a_reader_fitted_to_it_answers_through_it_and_is_its_own_arm(base, config, granted, tmp_path, monkeypatch):
    few = config.model_copy(update={"steps": 2, "single_calls": 8})
    folder = natural_made.trained("random-library", few, base, tmp_path, granted, monkeypatch)
    run = find_run(folder)
    assert open_system(run, base).name == "random-library"
    shipped, random = library_for("ncl", few, base, tmp_path), open_computer(run, base).artefact
    assert all(random.programs[name].code != shipped.programs[name].code for name in PROGRAMS)
    assert (tmp_path / "source" / FILE).read_text(encoding="utf-8") == source(few.seed)


def test_the_certificate_of_the_shipped_library_does_not_let_it_in(base, config, granted, tmp_path):
    shipped, random = (library_for(system, config, base, tmp_path) for system in ("ncl", "random-library"))
    folder = random.save(tmp_path / "artefact")
    record.write(granted(shipped, tokenizer=tokenizer_digest(base.tokenizer)), folder / record.FILE_NAME)
    with pytest.raises(GateRefused, match="reverse"):
        train_system("random-library", config, base, tmp_path / "run", artefact=folder, cache=tmp_path, seconds=0)
