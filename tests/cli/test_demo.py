"""`ncl demo` in small: the whole chain into one folder, with proofs taken for granted and a few training steps."""

import json
import re
import struct
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ncl.cli.main import run_main
from ncl.training.evaluation.demonstration import DOCUMENT, MADE, PLOT, REPORT
from ncl.training.from_scratch import demo as job
from ncl.verify.engine import runner

SMALL = (
    "demo",
    "--tiny",
    "--steps",
    "2",
    "--length",
    "2",
    "--length",
    "3",
    "--n",
    "2",
    "--n-long",
    "1",
    "--restarts",
    "0",
)


@pytest.fixture
def demo(ncl, grant):
    """`demo(…)`: a small demo with further options, as JSON."""
    grant()

    def run(*options):
        return ncl(*SMALL, *options, "--json")

    return run


def test_everything_lies_in_one_folder_with_one_document(finished):
    assert {p.name for p in finished.iterdir()} == set(MADE)
    document = json.loads((finished / DOCUMENT).read_text())
    assert set(document) >= {
        "schema", "cells", "report", "seconds", "plot", "certificate", "seal", "softness", "verdicts", "checkpoints",
        "seed", "restarts", "stages",
    }  # fmt: skip
    assert [(c["task"], c["system"], c["length"]) for c in document["cells"]] == [
        (task, system, length)
        for task in ("reverse", "count", "stack", "sort", "modsum") for length in (2, 3) for system in ("ncl", "plain")
    ]  # fmt: skip
    assert [s["name"] for s in document["stages"]] == [
        "compile the library", "verify", "certify", "train the LLaMA with NCL", "train the plain LLaMA",
        "evaluate both", "report",
    ]  # fmt: skip
    for path in (document["report"], document["plot"], document["certificate"]):
        assert Path(path).is_file()


def test_each_stage_is_told_with_its_seconds_and_the_document_is_the_one_printed(demo, here):
    ran = demo("--task", "sort")
    assert json.loads((here / "ncl-demo" / DOCUMENT).read_text()) == ran.document
    assert len(re.findall(r"^.+ \d+\.\d s", ran.err, re.M)) == 7


def test_what_it_leaves_is_what_the_other_commands_take(ncl, demo, here):
    cells = demo("--task", "sort", "--out", "made").document["cells"]
    assert ncl("gate", "made/artefact").code == 0
    again = ncl("evaluate", "made/ncl", "--task", "sort", "--length", "2", "--length", "3", "--n", "2", "--json")
    assert again.document["cells"] == [c for c in cells if c["system"] == "ncl"]
    assert ncl("regress", "made/demo.json", "--baseline", "made/demo.json").code == 0


def test_both_models_are_trained_with_the_same_seed_and_steps(demo):
    training = demo("--task", "sort", "--seed", "7").document["training"]
    assert {(t["seed"], t["steps"]) for t in training.values()} == {(7, 2)}


def test_the_table_is_printed_for_people(ncl, grant):
    grant()
    ran = ncl(*SMALL, "--task", "sort")
    assert "sort" in ran.out and "plain" in ran.out and "report: ncl-demo/report.html" in ran.out


def test_a_run_that_stalls_every_time_exits_with_3(demo):
    ran = demo("--task", "sort")
    assert ran.document["training"]["ncl"]["stalled"] and ran.code == 3


def test_a_stalled_run_is_made_again_with_the_next_seed_and_counted(demo, here, monkeypatch):
    def train(config, out, real=job.train, **options):
        return {**real(config, out, **options), "stalled": config.system == "ncl" and config.seed < 2}

    monkeypatch.setattr(job, "train", train)
    ran = demo("--task", "sort", "--restarts", "3")
    assert (ran.code, ran.document["restarts"], ran.document["seed"]) == (0, 2, 0)
    assert {t["seed"] for t in ran.document["training"].values()} == {2}
    assert "seed 0 has stalled" in ran.err and "again with seed 2" in ran.err
    assert "made again with the next seed: that happened 2 times" in text_of(here / "ncl-demo" / REPORT)


def test_an_earlier_demo_stays_until_the_new_one_is_complete(demo, here, monkeypatch):
    before = demo("--task", "sort").document
    (here / "ncl-demo" / "notes.txt").write_text("mine")

    def fail(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(job, "accuracy_plot", fail)
        assert demo("--task", "sort", "--seed", "1").code == 130
    assert json.loads((here / "ncl-demo" / DOCUMENT).read_text()) == before
    after = demo("--task", "sort", "--seed", "1").document
    assert json.loads((here / "ncl-demo" / DOCUMENT).read_text()) == after
    assert {p.name for p in (here / "ncl-demo").iterdir()} == {*MADE, "notes.txt"}


def test_a_folder_of_somebody_elses_is_left_alone(demo, here):
    (here / "theirs" / "ncl").mkdir(parents=True)
    ran = demo("--out", "theirs")
    assert ran.code == 2 and "no earlier demo" in ran.document["error"]["message"]
    assert [p.name for p in (here / "theirs").iterdir()] == ["ncl"]


def test_a_refuted_obligation_stops_it_before_training(demo, here, grant, monkeypatch):
    from ncl.verify.engine.obligation import Outcome

    monkeypatch.setattr(
        "ncl.verify.runs.differential.check_compiled", lambda *_: Outcome("refuted", "test", detail="no")
    )
    grant(but=("compiled",))
    ran = demo()
    assert (ran.code, ran.document["error"]["class"]) == (1, "Refuted")
    assert list((here / "ncl-demo").iterdir()) == []


# --- the page --------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a browser would fetch, which tags are open, and the text."""

    def __init__(self):
        super().__init__()
        self.fetched, self.open, self.texts = [], [], []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.fetched += [found[name] for name in ("src", "href", "srcset", "poster", "data") if name in found]
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def text_of(path):
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return " ".join(" ".join(page.texts).split())


@pytest.fixture(scope="module")
def finished(tmp_path_factory, granting):
    """The folder of one demo of all tasks; not to be written to."""
    place = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "run", granting(runner.run))
        assert run_main([*SMALL, "--out", str(place / "out")]) == 3  # two steps teach nothing
    return place / "out"


def test_the_page_is_whole_and_fetches_nothing(finished):
    source = (finished / REPORT).read_text(encoding="utf-8")
    found = Page()
    found.feed(source)
    assert found.open == []
    assert [f[:22] for f in found.fetched] == ["data:image/png;base64,"]
    assert not re.search(r"https?:|@import|<script|url\(", source)
    assert "prefers-color-scheme: dark" in source


def test_the_page_tells_what_was_measured_shown_and_not_shown(finished):
    document = json.loads((finished / DOCUMENT).read_text())
    text = text_of(finished / REPORT)
    for cell in document["cells"]:
        assert f"{cell['exact']:.3f}" in text
    for told in (
        "LLaMA with NCL", "the same LLaMA alone", "[0.", "of 2", "What was not verified", "soft-uncertified", "proved",
        "tested", document["seal"], "train the plain LLaMA", "def insertion_sort(xs: Array) -> Array:", ".program",
        "torch", "called", "What was trained", "ncl demo --seed 0 --length 2 --length 3 --n 2",
    ):  # fmt: skip
        assert told in text, told


def test_the_picture_is_a_png_of_some_size(finished):
    body = (finished / PLOT).read_bytes()
    assert body[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", body[16:24])
    assert width > 1000 and height > 300


@pytest.mark.nightly
def test_a_real_browser_shows_the_page_without_a_complaint(browse, finished):
    shown = browse(finished / REPORT)
    assert (shown.complaints, shown.wider > 0) == ([], False)
    assert shown.pictures and min(shown.pictures) > 500 and shown.text > 2000 and len(shown.png) > 20_000
