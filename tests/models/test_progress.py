"""Progress: a bar in a terminal, a line a minute where stderr is none, silence by default elsewhere and by one setting."""

from __future__ import annotations

import io
import sys
import types

import numpy as np
import pytest

import perturbxai as px
from perturbxai.models import progress as module
from perturbxai.models.progress import Bar, shown_as

X = np.random.default_rng(0).normal(size=(40, 3))


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def now(monkeypatch):
    clock = types.SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(module, "time", types.SimpleNamespace(monotonic=lambda: clock.seconds))
    return clock


def slow(clock, seconds):
    """A model that takes so long a batch."""

    def model(rows):
        clock.seconds += seconds
        return rows.sum(axis=1)

    return model


def explain(clock, seconds, **options):
    predictor = px.Predictor(slow(clock, seconds), batch_size=100, **options)
    px.explain("kernel_shap", predictor, px.TabularSpace(X, background=20), X[:10], budget=8)


def test_where_stderr_is_no_terminal_a_line_is_written_a_minute(now, capsys):
    explain(now, 7.0, progress=True)  # 17 batches, of which the first two are of the first row and of absence
    lines = capsys.readouterr().err.splitlines()
    minutes = int(now.seconds // 60)
    assert minutes >= 1 and len(lines) == minutes
    assert lines[0].startswith("explain: ") and "model rows that are asked so far" in lines[0] and " a second" in lines[0]
    assert "\r" not in "".join(lines)


def test_a_call_of_less_than_a_minute_writes_no_line(now, capsys):
    explain(now, 1.0, progress=True)
    assert capsys.readouterr().err == ""


def test_by_default_nothing_is_shown_where_stderr_is_no_terminal(now, capsys):
    explain(now, 70.0)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("options", [{}, {"progress": True}])
def test_in_a_terminal_there_is_a_bar_once_a_call_takes_a_second(now, monkeypatch, options):
    monkeypatch.setattr(sys, "stderr", Terminal())
    explain(now, 0.3, **options)
    assert "explain:" in sys.stderr.getvalue() and "row" in sys.stderr.getvalue()


def test_in_a_terminal_a_quick_call_shows_nothing(now, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    explain(now, 0.01)
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize("value", ["off", "0", "False"])
def test_one_setting_silences_bars_and_lines_but_calls_functions(now, monkeypatch, value, capsys):
    monkeypatch.setenv("PERTURBXAI_PROGRESS", value)
    heard = []
    explain(now, 70.0, progress=True)
    explain(now, 70.0, progress=lambda done, total: heard.append((done, total)))
    assert capsys.readouterr().err == "" and heard
    monkeypatch.setattr(sys, "stderr", Terminal())
    explain(now, 70.0)
    assert sys.stderr.getvalue() == ""


def test_a_notebook_gets_a_bar(monkeypatch):
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    assert shown_as(None) == "bar"


def test_a_process_without_stderr_is_silent(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert shown_as(None) == shown_as(True) == ""


class Gone(io.StringIO):
    """What a pipe is whose reader has ended."""

    def write(self, _):
        raise BrokenPipeError("nobody reads")


@pytest.mark.parametrize("kind", ["closed", "broken"])
def test_a_call_goes_on_where_nobody_reads_its_lines(now, monkeypatch, kind):
    stream = io.StringIO() if kind == "closed" else Gone()
    if kind == "closed":
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    explain(now, 70.0, progress=True)


def test_a_line_tells_what_is_left_of_what_is_known():
    bar = Bar(True, "compare")
    bar.expect(400)
    bar.done = 100
    assert bar.line(50.0) == (
        "compare: 100 of 400 model rows that are asked so far (25%) after 50 s, 2 a second, these take 2 min more"
    )
