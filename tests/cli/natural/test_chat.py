"""`ncl chat`: one prompt, a pipe, a terminal; answers with their traces, and a clean end."""

import importlib
import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

# A shell's background job starts with SIGINT ignored; a user's terminal does not.
ENTRY = [
    sys.executable, "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from ncl.cli.main import main; main()",
]  # fmt: skip


def test_the_answer_comes_with_what_was_called(ncl, fitted):
    ran = ncl("chat", str(fitted), "--prompt", "Sort 17, 3, 880.")
    assert ran.code == 0
    answer, trace = ran.out.splitlines()
    assert answer == "3, 17, 880"
    assert trace.startswith("  called insertion_sort on [17, 3, 880]; ") and "; certificate " in trace


def test_the_document_has_every_call(ncl, fitted):
    document = ncl("chat", str(fitted), "--prompt", "Turn 1, 2, 3 around.", "--json").document
    assert (document["prompt"], document["answer"], document["ended"]) == ("Turn 1, 2, 3 around.", "3, 2, 1", True)
    (call,) = document["calls"]
    assert set(call) == {"program", "tape", "argument", "result", "steps", "certificate"}
    assert (call["program"], call["tape"], call["argument"], call["result"]) == ("reverse", [1, 2, 3], None, [3, 2, 1])
    assert document["tokens"] > 0 and document["schema"] == 1


def test_an_answer_of_the_computer_is_given_whole_and_another_cut_off(ncl, fitted):
    long = f"Reverse {', '.join(map(str, range(60)))}."
    document = ncl("chat", str(fitted), "--prompt", long, "--max-new-tokens", "4", "--json").document
    assert document["answer"] == ", ".join(map(str, range(59, -1, -1)))
    assert ncl("chat", str(fitted), "--prompt", long, "--max-new-tokens", "4").out.startswith(document["answer"] + "\n")
    plain = ncl("chat", str(fitted), "--prompt", "How are you?", "--max-new-tokens", "4", "--json").document
    assert (plain["tokens"], plain["ended"], plain["calls"]) == (4, False, [])


def test_what_cannot_be_computed_is_told(ncl, fitted):
    ran = ncl("chat", str(fitted), "--prompt", "Sort 5, -3, 99999.")
    assert "whole numbers from 0 to 65534" in ran.out and "-3, 99999" in ran.out


def test_every_line_of_a_pipe_is_a_prompt(ncl, fitted, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("Sort 3, 1.\n\nReverse 1, 2.\nHow are you?\n"))
    ran = ncl("chat", str(fitted), "--max-new-tokens", "2")
    lines = [line.strip() for line in ran.out.splitlines() if line.strip()]
    assert (ran.code, lines[0], lines[2], lines[-1]) == (0, "1, 3", "2, 1", "nothing called")


def test_each_prompt_stands_alone_unless_it_is_to_be_remembered(ncl, fitted, monkeypatch):
    from ncl.llama.pretrained import conversation

    seen = []
    monkeypatch.setattr(conversation, "chat_ids", lambda *a, real=conversation.chat_ids: seen.append(a[2]) or real(*a))
    for options in ((), ("--remember",)):
        monkeypatch.setattr(sys, "stdin", io.StringIO("Sort 3, 1.\nSort 2, 1.\n"))
        assert ncl("chat", str(fitted), *options).code == 0
    assert [list(turns) for turns in seen[:2]] == [[], []]
    assert seen[3] == [("Sort 3, 1.", "1, 3"), ("Sort 2, 1.", "1, 2")][: len(seen[3])]


def test_a_list_of_an_earlier_turn_is_read_when_it_is_remembered_and_else_nothing_is_called(ncl, fitted, monkeypatch):
    from oracle import put_oracle

    command = importlib.import_module("ncl.cli.chat")

    def opened(*given, real=command.opened):
        model = put_oracle(real(*given))
        model.watch_base(model.watch.backbone)  # these readers are the ones that are watched
        return model

    monkeypatch.setattr(command, "opened", opened)

    def said(lines, *options):
        monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines) + "\n"))
        ran = ncl("chat", str(fitted), "--max-new-tokens", "3", *options)
        assert ran.code == 0
        return [line.strip().partition(";")[0] for line in ran.out.splitlines() if line.startswith("  ")]

    talk = ["Sort: 30, 1, 20", "reverse it", "How are you?", "sort it"]
    assert said(talk) == ["called insertion_sort on [30, 1, 20]", *["nothing called"] * 3]
    assert said(talk, "--remember") == [
        "called insertion_sort on [30, 1, 20]", "called reverse on [1, 20, 30]", "nothing called",
        "called insertion_sort on [30, 20, 1]"]  # fmt: skip
    assert said(["sort it", "sort []"], "--remember") == ["nothing called", "called insertion_sort on []"]


def test_without_a_chat_template_there_is_nothing_to_remember(ncl, fitted, monkeypatch):
    from ncl.llama.pretrained import conversation

    monkeypatch.setattr(sys, "stdin", io.StringIO("Sort 3, 1.\nSort it.\n"))
    real = conversation.reply

    def bare(model, *arguments, **options):
        model.tokenizer.chat_template = None
        return real(model, *arguments, **options)

    monkeypatch.setattr("ncl.llama.pretrained.conversation.reply", bare)
    ran = ncl("chat", str(fitted), "--remember", "--max-new-tokens", "2")
    assert ran.code == 2 and "without a chat template" in ran.err


def test_the_same_prompt_gives_the_same_greedy_answer_and_sampling_may_not(ncl, fitted):
    ask = ("chat", str(fitted), "--prompt", "How are you?", "--max-new-tokens", "12", "--json")
    first, second = (ncl(*ask).document["answer"] for _ in range(2))
    assert first == second
    assert any(ncl(*ask, "--temperature", "5").document["answer"] != first for _ in range(3))


@pytest.mark.parametrize(
    "typed, code, told",
    [
        (("nix",), 2, "no such folder"), ((".",), 2, "no run of the natural recipe"),
        (("FITTED", "--json"), 2, "--prompt"), (("FITTED", "--prompt", " "), 2, "the prompt is empty"),
        (("FITTED", "--prompt", "x", "--base", "nix"), 2, "no such model"),
    ],
)  # fmt: skip
def test_what_is_no_conversation_is_refused(ncl, fitted, typed, code, told):
    ran = ncl("chat", *(str(fitted) if part == "FITTED" else part for part in typed))
    assert ran.code == code and told in ran.err + ran.out


def test_an_adapter_with_a_spoiled_library_does_not_speak(ncl, run):
    file = run / "adapter" / "library" / "programs" / "reverse.json"
    file.write_text(file.read_text().replace('"code": [[', '"code": [[0, 0, 0, 0], [', 1))
    ran = ncl("chat", "run", "--prompt", "Sort 1, 2.")
    assert ran.code == 1 and ran.out == ""


@pytest.fixture
def terminal(here, fitted):
    """A chat at a terminal, ready for the first line: (process, the terminal's other end)."""
    mine, its = pty.openpty()
    process = subprocess.Popen(
        [*ENTRY, "chat", str(fitted)], stdin=its, stdout=its, stderr=its, start_new_session=True, close_fds=True
    )
    os.close(its)
    yield process, mine
    if process.poll() is None:
        process.kill()
    process.wait()
    os.close(mine)


def until(mine, text, seconds=120):
    """What the terminal shows up to and with a text."""
    shown, end = "", time.monotonic() + seconds
    while text not in shown:
        assert time.monotonic() < end, shown
        if select.select([mine], [], [], 1)[0]:
            try:
                shown += os.read(mine, 4096).decode()
            except OSError:  # closed at the other end
                break
    assert text in shown, shown
    return shown


def test_at_a_terminal_it_asks_answers_and_leaves_cleanly_on_ctrl_c(terminal):
    process, mine = terminal
    until(mine, "you:")
    os.write(mine, b"Sort 3, 1, 2.\n")
    assert "called insertion_sort on [3, 1, 2]" in until(mine, "you:")
    # One that comes just before Python waits for the line is noticed only with the next.
    for _ in range(12):
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            assert process.wait(15) == 0
            break
    else:
        pytest.fail("it goes on")


@pytest.mark.parametrize("leave", [EOFError, KeyboardInterrupt])
def test_the_end_of_the_input_is_a_clean_end(ncl, fitted, monkeypatch, leave):
    lines = iter(["Sort 3, 1.", "  "])

    def typed(*_, **__):
        line = next(lines, None)
        if line is None:
            raise leave
        return line

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("rich.console.Console.input", typed)
    ran = ncl("chat", str(fitted))
    assert (ran.code, ran.out.splitlines()[0], ran.err) == (0, "1, 3", "Ctrl-D ends.\n")


def test_ctrl_c_while_it_answers_ends_it_cleanly_too(ncl, fitted, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("ncl.llama.pretrained.conversation.reply", stop)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("rich.console.Console.input", lambda *_, **__: "Sort 3, 1.")
    assert ncl("chat", str(fitted)).code == 0
    assert ncl("chat", str(fitted), "--prompt", "Sort 3, 1.").code == 130, "a script wants to know"
