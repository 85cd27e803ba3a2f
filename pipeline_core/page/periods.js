// Months, weeks and days: which are shown, and what one of them was, by category and segment, or why
// nothing is known of it. The address names it (#2024-03), so that it can be sent, and the browser's
// way back leads back.
"use strict";
(() => {
  const panel = document.getElementById("period");
  if (!panel) return; // no day has a date
  const {data, own, exact, money, minor, ofMinor, element} = Report;
  const section = document.querySelector(".time");
  const found = new Map();
  for (const [step, periods] of Object.entries(data.steps)) {
    for (const [key, first, name, revenue, units, compared] of periods) {
      found.set(key, {key, step, first, name, revenue, units, compared});
    }
  }
  const FORMS = {month: /^\d{4}-\d\d$/, week: /^\d{4}-W\d\d$/, day: /^\d{4}-\d\d-\d\d$/};
  const stepOf = (key) => Object.keys(FORMS).find((step) => FORMS[step].test(key));
  let selected = "";
  let opened = "";
  const stepShown = () => section.querySelector("[name=by]:checked").value;

  // The period that one is compared with, if all of its rows are known.
  function other(period, bit) {
    if (!(period.compared & bit)) return null;
    const [year, month] = period.key.split("-").map(Number);
    const start = new Date(`${period.first}T00:00:00Z`);
    const days = bit === 1 ? 7 : 364;
    const then = period.step === "month"
      ? new Date(Date.UTC(year, month - 1 - (bit === 1 ? 1 : 12), 1))
      : new Date(+start - days * 86400000);
    const iso = then.toISOString().slice(0, 10);
    const is = data.steps[period.step].find((each) => each[1] === iso);
    const rows = is && rowsOf(is[0]);
    return rows && !rows.folded ? {name: is[2], rows} : null;
  }

  function rowsOf(key) {
    const rows = {cells: [], byCell: new Map(), folded: null, revenue: 0n};
    for (const row of (data.cells[key] || "").split(";").filter(Boolean)) {
      const parts = row.split(" ");
      if (parts.length === 3) {
        rows.folded = {count: parts[0], revenue: BigInt(parts[1]), units: parts[2]};
      } else {
        const [category, segment, , units] = parts;
        const revenue = BigInt(parts[2]);
        rows.cells.push({cell: `${category} ${segment}`, category, segment, revenue, units});
        rows.byCell.set(`${category} ${segment}`, revenue);
      }
      rows.revenue += BigInt(parts.at(-2));
    }
    return rows;
  }

  const td = (text) => element("td", {}, text);
  const written = (amount) => exact(ofMinor(amount, data.decimals));
  const change = (by) => (by > 0n ? `+${written(by)}` : written(by));
  const share = (part, whole) => {
    if (whole <= 0n) return "\u2013";
    const percent = Number(part) / Number(whole) * 100;
    const places = [1, 2, 3].find((each) => /[1-9]/.test(percent.toFixed(each))) || 1;
    return `${percent.toFixed(places).replace("-", "\u2212")} %`;
  };

  function table(period) {
    const rows = rowsOf(period.key);
    const others = [1, 2].map((bit) => other(period, bit)).filter(Boolean);
    const whole = minor(period.revenue);
    // What was sold then and not now moved, too: so the changes of all rows add up.
    const gone = rows.folded ? [] : [...new Set(others.flatMap((each) => [...each.rows.byCell.keys()]))]
      .filter((cell) => !rows.byCell.has(cell))
      .map((cell) => [cell, ...cell.split(" ")])
      .map(([cell, category, segment]) => ({cell, category, segment, revenue: 0n, units: "0"}));
    const head = ["Category", "Segment", data.currency ? `Revenue (${data.currency})` : "Revenue", "Share",
                  ...others.map((each) => `On ${each.name}`), "Units"];
    const body = [...rows.cells, ...gone].map(({cell, category, segment, revenue, units}) => {
      const [name, page] = data.names.categories[category];
      const link = element("a", {href: own + page}, element("bdi", {}, name));
      return element("tr", {}, element("th", {scope: "row"}, link),
        element("td", {className: "text"}, element("bdi", {}, data.names.segments[segment])),
        td(written(revenue)), td(share(revenue, whole)),
        ...others.map((each) => td(change(revenue - (each.rows.byCell.get(cell) || 0n)))), td(exact(units)));
    });
    const foot = [];
    if (rows.folded) {
      const {count, revenue, units} = rows.folded;
      foot.push(element("tr", {className: "folded"},
        element("th", {scope: "row", colSpan: 2}, `${exact(count)} more ${count === "1" ? "row" : "rows, together"}`),
        td(written(revenue)), td(share(revenue, whole)), ...others.map(() => td("\u2013")), td(exact(units))));
    }
    foot.push(element("tr", {className: "total"}, element("th", {scope: "row", colSpan: 2}, "All"),
      td(exact(period.revenue)), td(""), ...others.map((each) => td(change(whole - each.rows.revenue))),
      td(exact(String(period.units)))));
    const headings = head.map((text, at) => element("th", {scope: "col", className: at === 1 ? "text" : ""}, text));
    const made = element("table", {className: "numbers"}, element("thead", {}, element("tr", {}, ...headings)),
      element("tbody", {}, ...body), element("tfoot", {}, ...foot));
    const scroll = element("div", {className: "scroll", tabIndex: 0, role: "region"}, made);
    scroll.setAttribute("aria-label", `Sales of ${period.name} by category and segment`);
    return scroll;
  }

  // What its row says, by the headings of the columns.
  function figures(period) {
    const row = document.getElementById(`row-${period.key}`);
    const headings = row.closest("table").tHead.rows[0].cells;
    const [, days, revenue, ...others] = row.cells;
    return element("dl", {className: "figures"}, ...[revenue, ...others, days].map((cell) => {
      const isRevenue = cell === revenue;
      const said = isRevenue ? [money(period.revenue)] : [...cell.childNodes].map((each) => each.cloneNode(true));
      const label = isRevenue ? "Revenue" : headings[cell.cellIndex].textContent;
      return element("div", {}, element("dt", {}, label),
                     element("dd", {}, element("p", {className: "figure"}, ...said)));
    }));
  }

  // The nearest one of which something is known, before it or after it. Keys are in order.
  function next(key, step, isAfter, text) {
    const known = data.steps[step].filter(([each, , , revenue]) =>
      revenue !== null && (isAfter ? each > key : each < key));
    const to = known.at(isAfter ? 0 : -1);
    return to ? [element("a", {href: `#${to[0]}`}, text(to[2]))] : [];
  }

  // Why there is nothing of what the address names, and how people name that.
  function absent(key, step) {
    const start = new Date(`${key}${step === "month" ? "-01" : ""}T00:00:00Z`);
    const isDate = step === "week" || (!Number.isNaN(+start) && start.toISOString().startsWith(key));
    if (!isDate) return [key, `There is no such ${step}.`];
    const words = {year: "numeric", month: "long", timeZone: "UTC", ...(step === "day" ? {day: "numeric"} : {})};
    const name = step === "week" ? `Week ${Number(key.slice(6))} of ${key.slice(0, 4)}`
      : start.toLocaleDateString("en-GB", words);
    const shown = data.steps[step];
    const [first, last] = data.covers;
    const isCut = shown[0][1] > first;
    if (key > shown.at(-1)[0] && (step !== "day" || key > last)
        || key < shown[0][0] && (step === "week" ? !isCut : key < first.slice(0, key.length))) {
      return [name, `This report goes from ${first} to ${last}.`];
    }
    if (step === "day") {
      const month = document.querySelector(`.month[data-month="${key.slice(0, 7)}"]`);
      const day = String(Number(key.slice(8)));
      const cell = month && [...month.querySelectorAll("td")].find((each) => each.firstChild?.textContent === day);
      const because = {missing: "It is missing: no archive has this day.", unreadable: "Its day could not be read.",
                       closed: "The shop was closed."}[cell?.className];
      if (because) return [name, because];
    }
    if (key < shown[0][0]) {
      const file = element("a", {href: `${own}daily_sales.csv`}, "daily_sales.csv");
      return [name, `This page has no ${step} that is so old. Each day is in `, file, "."];
    }
    return [name, found.has(key) ? "None of its days is there, or none could be read." : `There is no such ${step}.`];
  }

  // What is told of these dates in another place.
  function elsewhere(period) {
    const note = document.getElementById("elsewhere")?.content.cloneNode(true);
    if (!note) return [];
    const end = new Date(+new Date(`${period.first}T00:00:00Z`) + (period.step === "week" ? 6 : 0) * 86400000);
    note.querySelector(".dates").textContent = period.step === "month" ? `--month ${period.key}`
      : `--from ${period.first} --to ${end.toISOString().slice(0, 10)}`;
    return [note];
  }

  const redraw = Charts.draw("chart-time", () => Charts.drawTime(stepShown(), selected));
  function update() {
    redraw();
    const isGap = ([, , , revenue]) => revenue === null;
    section.querySelector(".gaps").hidden = !data.steps[stepShown()].some(isGap);
  }

  function show(key) {
    const step = stepOf(key);
    const period = found.get(key);
    selected = period && period.revenue !== null ? key : "";
    opened = step ? key : "";
    panel.hidden = !opened;
    if (opened) {
      document.getElementById(`by-${step}`).checked = true;
      const [called, ...because] = selected ? [period.name] : absent(key, step);
      const button = element("button", {type: "button"}, "Close");
      button.addEventListener("click", close);
      const name = element("h3", {tabIndex: -1}, called);
      panel.replaceChildren(
        element("div", {className: "heading"}, name, ...next(key, step, false, (to) => `\u2039 ${to}`),
                ...next(key, step, true, (to) => `${to} \u203a`), button),
        ...(selected ? [figures(period), ...elsewhere(period), table(period)] : [element("p", {}, ...because)]));
      name.focus();
    }
    update();
  }

  function close() {
    const row = document.getElementById(`row-${opened}`)?.querySelector("a");
    history.replaceState(null, "", "#time");
    show("");
    (row?.offsetParent ? row : section.querySelector("[name=by]:checked")).focus();
  }
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && opened && event.target.type !== "search") close();
  });

  for (const input of section.querySelectorAll("[name=by]")) input.addEventListener("change", update);
  for (const period of found.values()) {
    if (period.revenue === null) continue;
    const head = document.getElementById(`row-${period.key}`).cells[0];
    head.replaceChildren(element("a", {href: `#${period.key}`}, head.textContent));
  }
  // Another place of the page leaves it as it is.
  addEventListener("hashchange", () => {
    const key = location.hash.slice(1);
    if (stepOf(key) || !key) show(key);
  });
  show(location.hash.slice(1));

  // The calendar: each day that is there leads to what it was. One of them is a stop of the Tab key,
  // arrows lead to the others.
  const days = [];
  for (const month of document.querySelectorAll(".month")) {
    for (const cell of month.querySelectorAll("tbody td:not(:empty)")) {
      const text = cell.firstChild;
      const period = found.get(`${month.dataset.month}-${text.textContent.padStart(2, "0")}`);
      if (!period || period.revenue === null) continue;
      const link = element("a", {href: `#${period.key}`, tabIndex: -1, title: `Revenue ${money(period.revenue)}`}, text.textContent);
      text.replaceWith(link);
      days.push({link, period});
    }
  }
  const rove = (to) => {
    for (const each of days) each.link.tabIndex = -1;
    to.link.tabIndex = 0;
  };
  if (days.length) rove(days.at(-1));
  const moves = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7};
  for (const month of document.querySelectorAll(".month")) {
    month.addEventListener("keydown", (event) => {
      const at = days.findIndex((each) => each.link === event.target);
      const by = moves[event.key];
      if (at < 0 || !by) return;
      event.preventDefault();
      const first = (each) => new Date(`${each.period.first}T00:00:00Z`) / 86400000;
      const wanted = first(days[at]) + by;
      const ahead = days.filter((each) => (by < 0 ? first(each) <= wanted : first(each) >= wanted));
      const to = by < 0 ? ahead.at(-1) : ahead[0];
      if (to) { rove(to); to.link.closest("details")?.setAttribute("open", ""); to.link.focus(); }
    });
  }
})();
