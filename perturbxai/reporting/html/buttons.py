"""A choice as radio buttons, which work by keyboard and without a script."""

from perturbxai.reporting.html.choices import Choice
from perturbxai.reporting.html.markup import Html, element, words


def buttons(choice: Choice) -> Html:
    """The buttons of a choice, in a group of its name."""
    made = []
    for n, option in enumerate(choice.options):
        note = choice.notes[n] if n < len(choice.notes) else ""
        key = f"{choice.key}{n}"
        made.append(element("input", type="radio", name=choice.key, id=key, checked=n == choice.first, autocomplete="off"))
        made.append(element("label", element("bdi", words(option, 60)), for_=key, title=note or None))
    return element("fieldset", element("legend", choice.legend), element("div", *made, class_="chips"), class_="choice")
