"use strict";
// The page stands without this. With it: rows are found, sorted and stepped through, dots lead to their rows, a slider sets how
// strong maps lie over photos, and regions tell their values. Text only ever goes in as text.
(() => {
  const root = document.documentElement;
  const all = (query, within = document) => [...within.querySelectorAll(query)];
  const make = (tag, text, attributes = {}) => {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const visible = (cell) => all("[data-value], span", cell).find((one) => one.offsetParent !== null) || cell;

  // ---------------------------------------------------------------- choices
  const chosen = (radio) => { document.body.dataset[radio.name] = radio.id.slice(radio.name.length); };
  for (const radio of all("input[type=radio]:checked")) chosen(radio);
  document.addEventListener("change", (event) => { if (event.target.type === "radio") chosen(event.target); });

  // ---------------------------------------------------------------- rows
  const finder = document.getElementById("finder");
  const lines = () => (finder ? all("tbody tr", finder) : []);
  const panels = all("details.panel");
  const shown = () => lines().filter((line) => !line.hidden);
  let now = null;
  let note = null;

  function choose(row, move) {
    now = String(row);
    for (const panel of panels) {
      const mine = panel.id === "row-" + now;
      panel.classList.toggle("chosen", mine);
      if (mine) panel.open = true;
    }
    for (const line of lines()) {
      const mine = line.dataset.row === now;
      line.classList.toggle("chosen", mine);
      for (const link of all("a", line)) mine ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
      if (mine && finder.parentElement.scrollHeight > finder.parentElement.clientHeight) {
        const box = finder.parentElement;
        const top = line.offsetTop - finder.tHead.offsetHeight;
        if (top < box.scrollTop || line.offsetTop + line.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = top;
      }
    }
    for (const dot of all(".dot[data-row]")) dot.classList.toggle("chosen", dot.dataset.row === now);
    if (move) document.getElementById("row-" + now).scrollIntoView({ block: "nearest" });
    for (const button of all(".tools button[data-step]")) {
      const at = shown().findIndex((line) => line.dataset.row === now) + Number(button.dataset.step);
      button.disabled = at < 0 || at >= shown().length;
    }
  }

  function filter(text) {
    const wanted = text.trim().toLowerCase();
    for (const line of lines()) line.hidden = wanted !== "" && !said(line).toLowerCase().includes(wanted);
    note.textContent = shown().length + " of " + lines().length;
    if (shown().length && !shown().some((line) => line.dataset.row === now)) choose(shown()[0].dataset.row, false);
    else if (now !== null) choose(now, false);
  }

  const said = (line) => [...line.cells].map((cell) => all("span", cell).filter((s) => s.offsetParent !== null || line.hidden)
    .map((s) => s.textContent).join(" ") || cell.textContent).join(" ");

  function sort(head, column) {
    const down = head.getAttribute("aria-sort") === "descending";
    for (const other of all("th[aria-sort]", finder)) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "ascending" : "descending");
    const hidden = lines().filter((line) => line.hidden);
    for (const line of hidden) line.hidden = false; // what is not drawn has no visible cell to read
    const key = (line) => {
      const cell = visible(line.cells[column]);
      return head.dataset.sort === "value" ? Number(cell.dataset.value) : cell.textContent;
    };
    const keyed = lines().map((line) => [key(line), line]);
    for (const line of hidden) line.hidden = true;
    const order = new Intl.Collator(undefined, { numeric: true });
    keyed.sort((a, b) => (typeof a[0] === "number" ? a[0] - b[0] : order.compare(a[0], b[0])) * (down ? 1 : -1));
    for (const [, line] of keyed) finder.tBodies[0].append(line);
    choose(now, false);
  }

  function step(by) {
    const at = shown().findIndex((line) => line.dataset.row === now) + by;
    if (shown()[at]) choose(shown()[at].dataset.row, false);
  }

  if (finder && panels.length) {
    for (const [column, head] of all("thead th", finder).entries()) {
      const button = make("button", head.textContent, { type: "button" });
      head.replaceChildren(button);
      button.addEventListener("click", () => sort(head, column));
    }
    const tools = make("div", "", { class: "tools" });
    const label = make("label", "Find a " + finder.dataset.kind + " ");
    const field = make("input", "", { type: "search", placeholder: "by name or reason", autocomplete: "off" });
    note = make("span", lines().length + " of " + lines().length, { class: "count", role: "status" });
    label.append(field);
    tools.append(label, note);
    field.addEventListener("input", () => filter(field.value));
    for (const [text, by] of [["← Previous", -1], ["Next →", 1]]) {
      const button = make("button", text, { type: "button", "data-step": by });
      button.addEventListener("click", () => step(by));
      tools.append(button);
    }
    finder.parentElement.before(tools);
    finder.addEventListener("click", (event) => {
      const line = event.target.closest("tbody tr");
      if (!line) return;
      event.preventDefault();
      choose(line.dataset.row, false);
    });
    choose(lines()[0].dataset.row, false);
  }
  document.addEventListener("click", (event) => {
    const dot = event.target.closest(".dot[data-row]");
    if (dot && finder) choose(dot.dataset.row, true);
  });

  // ---------------------------------------------------------------- tips of dots and regions
  const tip = document.getElementById("tip");
  const hide = () => { tip.hidden = true; };
  function tell(text, x, y) {
    tip.textContent = text;
    tip.hidden = false;
    tip.style.left = Math.min(x + 14, innerWidth - tip.offsetWidth - 6) + "px";
    tip.style.top = Math.max(6, y - tip.offsetHeight - 10) + "px";
  }
  // what the chosen method, fill and class say of a region
  const saidOf = (region) => {
    const told = all("[data-regions]", region.closest(".photo")).find((pane) => pane.offsetParent !== null);
    return told ? told.dataset.regions.split("|")[Number(region.dataset.player)] : "";
  };
  function mark(photo, player) {
    for (const one of all("[data-player]", photo)) one.classList.toggle("chosen", player !== null && one.dataset.player === player);
  }
  document.addEventListener("pointermove", (event) => {
    const dot = event.target.closest(".dot[data-row]");
    const region = event.target.closest(".edge[data-player]");
    if (dot && finder) {
      const line = lines().find((one) => one.dataset.row === dot.dataset.row);
      tell(finder.dataset.kind + " " + line.cells[0].textContent + ": prediction " + visible(line.cells[1]).textContent, event.clientX, event.clientY);
    } else if (region) {
      mark(region.closest(".photo"), region.dataset.player);
      tell(saidOf(region), event.clientX, event.clientY);
    } else {
      hide();
      for (const photo of all(".photo")) if (!photo.contains(document.activeElement) && !event.target.closest("tr[data-player]")) mark(photo, null);
    }
  });
  for (const line of all("tr[data-player]")) {
    line.tabIndex = 0;
    for (const on of ["focus", "pointerenter"]) line.addEventListener(on, () => mark(line.closest(".photo"), line.dataset.player));
    for (const off of ["blur", "pointerleave"]) line.addEventListener(off, () => mark(line.closest(".photo"), null));
  }
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  document.addEventListener("scroll", hide, { passive: true });

  // ---------------------------------------------------------------- strength of the maps, and paper
  const sliders = all(".slider input");
  for (const slider of sliders) {
    slider.addEventListener("input", () => {
      root.style.setProperty("--veil", slider.value / 100);
      root.style.setProperty("--grey", slider.value > 0 ? 1 : 0); // alone the photo has its colours
      for (const other of sliders) other.value = slider.value;
    });
  }
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details.fold:not([open])");
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of closed) one.open = false; });
})();
