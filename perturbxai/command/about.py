"""The lines on top of a report's page: what model, what data, when, and what was asked of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from perturbxai.command.config import PhotoConfig, TableConfig
from perturbxai.core.wording import count, listed

BUILT_IN = {
    "boosted": "boosted trees, fitted here to the target",
    "efficientnet_lite0": "EfficientNet-Lite0, trained on ImageNet",
}


def lines_of(section: TableConfig | PhotoConfig, facts: Mapping[str, Any], now: datetime | None = None) -> dict[str, str]:
    """The lines of a section of a run. facts: what its manifest tells of it;  now: for another time than this."""
    found = {"question": _question(section, facts), "model": BUILT_IN.get(section.model, section.model)}
    if isinstance(section, TableConfig):
        target = section.target or ("disease progression" if section.data == "diabetes" else None)
        found["data"] = section.data + (f"; predicted: {target}" if target else "")
    else:
        found["data"] = listed([str(one) for one in section.image], 6, 40)
    return found | {"when": (now or datetime.now(UTC)).strftime("%-d %B %Y, %H:%M UTC")}


def _question(section: TableConfig | PhotoConfig, facts: Mapping[str, Any]) -> str:
    if isinstance(section, TableConfig):
        n_rows = int(facts.get("explained_rows", 0))
        rows = f"predictions of these {count(n_rows, 'row')}" if n_rows > 1 else "prediction of this row"
        return f"Which columns move the {rows}, how far, and which way?"
    return f"Which regions of the photo{'s' * (len(section.image) > 1)} does the model's score for a class come from?"
