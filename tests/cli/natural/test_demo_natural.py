"""`ncl demo --natural` in small: the whole chain on a tiny base model, with proofs taken for granted."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import natural_made
import pytest

from ncl.cli import demo as door
from ncl.cli.main import run_main
from ncl.errors import NotFoundError
from ncl.training.evaluation import chat_answers, held_out
from ncl.training.evaluation.demonstration import DOCUMENT, PLOT, REPORT
from ncl.training.pretrained import demo as natural_demo
from ncl.training.pretrained import recipe as natural
from ncl.training.pretrained import run as natural_run
from ncl.training.pretrained.config import NaturalConfig
from ncl.verify.engine import runner

SMALL = (
    "demo", "--natural", "--steps", "60", "--restarts", "0", "--task", "reverse", "--task", "chain", "--task", "chat",
    "--length", "3", "--length", "70", "--n", "1", "--n-long", "1", "--chat", "6",
    "--baseline-n", "1", "--baseline-length", "3",
)  # fmt: skip


def small(folder, base, *options):
    """A demo as it is typed, with one reader of few channels."""
    return [*SMALL, "--base", base.source, "--out", str(folder), "--cache", str(folder) + "-cache", *options]


@pytest.fixture(scope="module")
def slim():
    """The recipe made small."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in natural_made.SMALL.items():
            if name not in ("steps", "restarts"):
                patch.setattr(NaturalConfig.model_fields[name], "default", value)
        NaturalConfig.model_rebuild(force=True)
        for module in (natural, natural_run, natural_demo):
            patch.setattr(module, "training_prompts", natural_made.few_prompts)
        patch.setattr(chat_answers, "ROOM", 4)  # random weights never end, however long they may speak
        patch.setattr(held_out, "CALLS", (2, 3))
        yield
    NaturalConfig.model_rebuild(force=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, granting, base, slim):
    """The folder of one demo with all systems that need no further package, and its exit code; not to be written to."""
    place = tmp_path_factory.mktemp("natural") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "run", granting(runner.run))
        systems = [part for system in ("base", "tool", "random-library") for part in ("--baseline", system)]
        code = run_main(small(place, base, *systems))
    return place, code


@pytest.fixture(scope="module")
def document(finished):
    return json.loads((finished[0] / DOCUMENT).read_text())


def test_everything_lies_in_one_folder_with_one_document(finished, document):
    folder, code = finished
    assert code == 0
    assert {p.name for p in folder.iterdir()} == {DOCUMENT, REPORT, PLOT, "artefact", "ncl", "random-library"}
    assert set(document["checkpoints"]) == set(document["training"]) == {"ncl", "random-library"}
    assert [s["name"] for s in document["stages"]] == [
        "load the base model", "compile the library", "verify", "certify", "train ncl", "evaluate ncl", "evaluate base",
        "evaluate tool", "verify the random library", "certify the random library", "train random-library",
        "evaluate random-library", "read samples", "report",
    ]  # fmt: skip
    assert (document["recipe"], document["base"]["dtype"], document["restarts"]) == ("natural", "bfloat16", 0)


def test_every_arm_has_its_cells_and_what_was_not_run_is_absent(document):
    cells = {(c["task"], c["length"], c["phrasing"], c["calls"]): c for c in document["cells"] if c["system"] == "ncl"}
    assert {key for key in cells if key[0] == "reverse"} == {
        *(("reverse", 3, kind, 1) for kind in ("seen", "unseen", "several")), ("reverse", 70, "seen", 1),
    }  # fmt: skip
    assert {c["system"] for c in document["cells"]} == {"ncl", "base", "tool", "random-library"}
    besides = [c for c in document["cells"] if c["system"] == "base"]
    assert {(c["task"], c["length"], c["n"]) for c in besides} == {("reverse", 3, 1), ("chain", 10, 1)}
    assert {c["n"] for c in document["cells"] if c["system"] == "ncl" and c["task"] == "chat"} <= set(range(1, 7))
    assert all("parsed" in c for c in document["cells"] if c["system"] == "tool")


def test_what_it_leaves_is_what_the_other_commands_take(ncl, finished):
    folder = finished[0]
    assert ncl("gate", str(folder / "artefact")).code == 0
    assert ncl("regress", str(folder / DOCUMENT), "--baseline", str(folder / DOCUMENT)).code == 0
    assert ncl("chat", str(folder / "ncl"), "--prompt", "Sort 3, 1, 2.", "--json").document["answer"] == "1, 2, 3"
    ran = ncl("evaluate", str(folder / "random-library"), "--task", "reverse", "--length", "3", "--n", "1", "--json")
    assert {c["system"] for c in ran.document["cells"]} == {"random-library"}


# --- the page --------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a browser would fetch, which tags are open, the text, and the text under each class."""

    def __init__(self, text):
        super().__init__()
        self.fetched, self.open, self.texts, self.roles = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.fetched += [found[name] for name in ("src", "href", "srcset", "poster", "data") if name in found]
        if tag not in ("meta", "img", "br", "link"):
            self.open.append((tag, found.get("class", "")))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        self.texts.append(data)
        if self.open and self.open[-1][0] == "span":
            self.roles.append((self.open[-1][1], data))

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def page(finished):
    return Page((finished[0] / REPORT).read_text(encoding="utf-8"))


def test_the_page_is_whole_and_fetches_nothing(finished, page):
    assert page.open == []
    assert [f[:22] for f in page.fetched] == ["data:image/png;base64,"]
    assert not re.search(r"https?:|@import|<script|url\(", (finished[0] / REPORT).read_text(encoding="utf-8"))


def test_the_page_tells_what_was_measured_trained_shown_and_not_shown(page, document):
    for cell in document["cells"]:
        assert f"{cell['exact']:.3f}" in page.text
    for told in (
        "LLaMA with NCL", "base model writing Python", "with a random library", "3 calls", "left alone", "unseen",
        "What was not verified", "What was trained", "soft-uncertified", document["seal"], "1000", "512 positions",
        "def insertion_sort(xs: Array) -> Array:", "ncl demo --seed 0 --length 3", "--natural", "†", "[0.",
    ):  # fmt: skip
        assert told in page.text or told == "1000", told


def test_samples_are_coloured_by_what_the_reader_made_of_them(page):
    data = [text for roles, text in page.roles if "data" in roles.split() and text != "written to the tape"]
    assert data and all(text.isdigit() for text in data)
    chips = {text for roles, text in page.roles if roles == "chip"}
    assert chips & {"reverse", "insertion_sort"}
    assert "called reverse on [" in page.text or "called insertion_sort on [" in page.text


def test_the_picture_is_a_png(finished):
    assert (finished[0] / PLOT).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


# --- what is refused, left out or fallen back to ---------------------------------------------------------------------


def test_an_arm_that_lacks_a_package_is_left_out_with_a_line(ncl, here, base, slim, grant, monkeypatch):
    grant()
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    ran = ncl(*small(here / "out", base, "--baseline", "lora", "--steps", "2", "--length", "3"), "--json")
    assert ran.code == 3, "two steps teach nothing"
    assert "needs the package `peft`" in ran.err and "pip install peft" in ran.err
    assert {c["system"] for c in ran.document["cells"]} == {"ncl"}


@pytest.mark.parametrize(
    "typed, told",
    [
        ("--tiny --baseline base", "natural demo"), ("--tiny --base x", "natural demo"),
        ("--tiny --float32", "natural demo"), ("--tiny --baseline-n 3", "natural demo"),
        ("--natural --baseline nix", "no baseline nix"), ("--natural --task text", "no task text"),
        ("--natural --base nix", "no such model"), ("--natural --length 99999", "lengths 99999"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_refused(ncl, here, typed, told):
    ran = ncl("demo", *typed.split(), "--out", "out")
    assert ran.code == 2 and told in ran.err
    assert not (here / "out" / DOCUMENT).exists()


def absent():
    raise NotFoundError("no", remedy="get it")


def test_where_no_pretrained_model_is_installed_the_small_one_is_shown_and_that_is_told(monkeypatch):
    monkeypatch.setattr("ncl.llama.pretrained.base_model.smollm2", absent)
    notice = "no, so the small LLaMA is trained from scratch; the pretrained one: get it"
    assert door.chosen(None, None) == (False, notice)
    monkeypatch.setattr("ncl.llama.pretrained.base_model.smollm2", lambda: Path("model"))
    assert [door.chosen(asked, None) for asked in (None, True, False)] == [(True, ""), (True, ""), (False, "")]


def test_the_notice_comes_before_the_first_thing_that_is_said_and_once():
    said = []
    say = door.behind("notice", said.append)
    say("one")
    say("two")
    assert said == ["notice", "one", "two"]


@pytest.mark.nightly
def test_a_real_browser_shows_the_page_without_a_complaint(browse, finished):
    shown = browse(finished[0] / REPORT)
    assert (shown.complaints, shown.wider > 0) == ([], False)
    assert shown.pictures and min(shown.pictures) > 500 and shown.text > 2000 and len(shown.png) > 20_000


@pytest.mark.parametrize(
    "typed", ["--float32", "--bfloat16", "--baseline tool", "--baseline-n 3", "--chat 0", "--cache x"]
)
def test_what_needs_a_pretrained_model_names_what_brings_it(ncl, here, monkeypatch, typed):
    monkeypatch.setattr("ncl.llama.pretrained.base_model.smollm2", absent)
    ran = ncl("demo", *typed.split(), "--out", "out")
    assert ran.code == 2 and typed.split()[0] in ran.err and "get it; or leave it out" in ran.err
    assert not (here / "out").exists()
