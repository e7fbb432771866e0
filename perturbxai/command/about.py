"""The lines on top of a report's page: what was asked of what model, on what data, when, and what was done unasked."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from perturbxai.command.config import BOOSTED, EffectsConfig, PhotoConfig, TableFile
from perturbxai.command.trained import UNNAMED
from perturbxai.core.wording import count, listed

BUILT_IN = {
    BOOSTED: "boosted trees, fitted here to the target",
    "efficientnet_lite0": "EfficientNet-Lite0, trained on ImageNet",
}


def lines_of(
    section: TableFile | PhotoConfig, facts: Mapping[str, Any], told: Sequence[str] = (), now: datetime | None = None
) -> dict[str, str]:
    """The lines of a section of a run. facts: what its manifest tells of it;  told: what was said before it started;
    now: for another time than this."""
    trained = [line.removeprefix(UNNAMED) for line in told if line.startswith(UNNAMED)]
    model = trained[0] if trained else _named(section.model, facts)
    found = {"question": _question(section, facts), "model": model, "data": data_line(section, facts)}
    found["when"] = (now or datetime.now(UTC)).strftime("%-d %B %Y, %H:%M UTC")
    if noted := [line for line in told if not line.startswith(UNNAMED)]:
        found["noted"] = "; ".join(noted)
    return found


def _named(model: str, facts: Mapping[str, Any]) -> str:
    """A model by its name, with the class that it came to."""
    kind = facts.get("model", {}).get("kind")
    return BUILT_IN.get(model) or model + (f" ({kind})" if kind else "")


def data_line(section: TableFile | PhotoConfig, facts: Mapping[str, Any]) -> str:
    """What was looked at: the file, its size, and the target where there is one."""
    if isinstance(section, PhotoConfig):
        return listed([str(one) for one in section.image], 6, 40)
    known = facts.get("data", {})
    size = f", {count(known['rows'], 'row')}" if "rows" in known else ""
    target = section.target or ("disease progression" if section.data == "diabetes" else None)
    return Path(section.data).name + size + (f"; predicted: {target}" if target else "")


def _question(section: TableFile | PhotoConfig, facts: Mapping[str, Any]) -> str:
    if isinstance(section, PhotoConfig):
        return f"Which regions of the photo{'s' * (len(section.image) > 1)} does the model's score for a class come from?"
    if isinstance(section, EffectsConfig):
        return "How does the prediction change along each column?"
    n_rows = int(facts.get("explained_rows", 0))
    rows = f"predictions of these {count(n_rows, 'row')}" if n_rows > 1 else "prediction of this row"
    return f"Which columns move the {rows}, how far, and which way?"
