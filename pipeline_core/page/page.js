// What the page does beyond standing there: links that fit where it lies, charts, sorting, a filter.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);

  // The same bytes lie in runs/<id>/, in latest/ and beside latest/: links are for the first.
  const folders = location.pathname.split("/").slice(0, -1).map(decodeURIComponent);
  const [above, here] = folders.slice(-2);
  const isLatest = here === "latest";
  const isRun = above === "runs" && here === data.run;
  const own = isLatest || isRun ? "" : "latest/";
  const runs = isRun ? "../" : isLatest ? "../runs/" : "runs/";
  for (const link of document.querySelectorAll("a[data-own]")) {
    link.setAttribute("href", own + link.getAttribute("href"));
  }
  for (const link of document.querySelectorAll("a[data-run]")) {
    link.setAttribute("href", `${runs}${link.dataset.run}/index.html`);
  }

  const compact = new Intl.NumberFormat("en", {notation: "compact", maximumSignificantDigits: 3});
  const grouped = (text) => text.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  const exact = (text) => {
    const [whole, decimals] = text.split(".");
    return decimals === undefined ? grouped(whole) : `${grouped(whole)}.${decimals}`;
  };
  // Isolated: a name that is written from right to left moves nothing beside it.
  const isolated = (name) => `\u2068${name.replace(/\s+/g, " ")}\u2069`;
  const day = (iso) => new Date(`${iso}T00:00:00Z`);
  const DAY = 86400000;

  function drawDays(width) {
    const days = data.days.map(([iso, revenue, units]) => ({
      date: day(iso), revenue: Number(revenue),
      says: `${iso}\nRevenue ${exact(revenue)}\nUnits ${exact(String(units))}`,
    }));
    // Few days are as wide as if they were a fortnight.
    const end = new Date(+days.at(-1).date + DAY);
    const start = new Date(Math.min(days[0].date, end - 14 * DAY));
    const span = (end - start) / DAY;
    const channels = {x: "date", y: "revenue", fill: "var(--bar)"};
    // One column a day, as long as a column is wide enough to be seen; otherwise a line with gaps.
    const marks = width / span >= 3
      ? [Plot.rectY(days, {...channels, interval: "day", insetLeft: 0.5, insetRight: 0.5})]
      : [Plot.areaY(withGaps(days), {...channels, fillOpacity: 0.25}),
         Plot.lineY(withGaps(days), {x: "date", y: "revenue", stroke: "var(--bar)", strokeWidth: 1.25})];
    return Plot.plot({
      className: "chart", width, height: width < 500 ? 180 : 240,
      marginLeft: 52, marginRight: 12, marginTop: 12, style: {fontSize: "12px"},
      x: {type: "utc", label: null, domain: [start, end]},
      y: {label: null, grid: true, zero: true, nice: true, ticks: 4, tickFormat: (n) => compact.format(n)},
      marks: [...marks, Plot.ruleY([0]),
              Plot.tip(days, Plot.pointerX({x: "date", y: "revenue", title: "says", fontSize: 12}))],
    });
  }

  function withGaps(days) {
    return days.flatMap((each, at) => {
      const isNext = at === 0 || each.date - days[at - 1].date <= DAY;
      return isNext ? [each] : [{date: new Date(each.date - DAY), revenue: NaN}, each];
    });
  }

  const drawBars = (groups) => (width) => {
    const room = Math.min(180, Math.round(width * 0.36));
    const bars = groups.map(([name, revenue], at) => ({at, name, revenue: Number(revenue)}));
    return Plot.plot({
      className: "chart", width, height: 26 * bars.length + 8,
      marginLeft: room, marginRight: 72, marginTop: 4, marginBottom: 4,
      x: {axis: null, domain: [0, Math.max(1e-30, ...bars.map((bar) => bar.revenue))]},
      y: {domain: bars.map((bar) => bar.at), padding: 0.3},
      style: {fontSize: "13px"},
      marks: [
        Plot.axisY({label: null, tickSize: 0, tickFormat: (at) => isolated(bars[at].name),
                    lineWidth: room / 15, textOverflow: "ellipsis-end"}),
        Plot.barX(bars, {x: "revenue", y: "at", fill: "var(--bar)", rx: 2}),
        Plot.text(bars, {x: "revenue", y: "at", text: (bar) => compact.format(bar.revenue),
                         textAnchor: "start", dx: 6, fill: "var(--ink)"}),
      ],
    });
  };

  function draw(id, drawn) {
    const place = document.getElementById(id);
    if (!place) return;
    let shown = 0;
    const redraw = () => {
      const width = Math.floor(place.clientWidth);
      if (!width || width === shown) return;
      shown = width;
      const chart = drawn(width);
      chart.setAttribute("aria-hidden", "true"); // its place has a label, and a table beside it
      place.replaceChildren(chart);
    };
    new ResizeObserver(redraw).observe(place);
    redraw();
  }
  draw("chart-days", drawDays);
  draw("chart-categories", drawBars(data.categories));
  draw("chart-segments", drawBars(data.segments));

  // How fresh it is, once a minute; without the script the time itself stands there.
  const time = document.querySelector("time");
  const published = time.textContent;
  const ago = new Intl.RelativeTimeFormat("en", {numeric: "always"});
  const tell = () => {
    const minutes = Math.round((new Date(time.dateTime) - Date.now()) / 60000);
    const [count, unit] = minutes > -100 ? [minutes, "minute"]
      : minutes > -2880 ? [Math.round(minutes / 60), "hour"] : [Math.round(minutes / 1440), "day"];
    const since = count < 0 ? ago.format(count, unit) : count === 0 ? "just now" : "";
    time.textContent = since ? `${published}, ${since}` : published;
  };
  tell();
  setInterval(tell, 60000);

  const table = document.getElementById("table");
  if (!table) return;
  const body = table.tBodies[0];
  const headers = [...table.tHead.rows[0].cells];
  const texts = new Intl.Collator("en", {numeric: true});
  const number = (cell) => BigInt(cell.textContent.replace(/\D/g, "") || 0);
  const rows = [...body.rows].map((row) => ({
    row,
    keys: [...row.cells].map((cell) => (cell.className === "number" ? number(cell) : cell.textContent)),
    words: `${row.cells[0].textContent} ${row.cells[1].textContent}`.toLowerCase(),
  }));

  function sort(column, direction) {
    const isNumber = headers[column].className === "number";
    const compare = isNumber
      ? (a, b) => (a.keys[column] < b.keys[column] ? -1 : a.keys[column] > b.keys[column] ? 1 : 0)
      : (a, b) => texts.compare(a.keys[column], b.keys[column]);
    const sign = direction === "ascending" ? 1 : -1;
    body.append(...[...rows].sort((a, b) => sign * compare(a, b)).map((each) => each.row));
    for (const header of headers) header.removeAttribute("aria-sort");
    headers[column].setAttribute("aria-sort", direction);
  }

  headers.forEach((header, column) => {
    if (header.classList.contains("bars")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    header.replaceChildren(button);
    const first = header.className === "number" ? "descending" : "ascending";
    const other = {ascending: "descending", descending: "ascending"};
    button.addEventListener("click", () => sort(column, other[header.getAttribute("aria-sort")] || first));
  });

  const input = document.getElementById("filter");
  const said = document.getElementById("filtered");
  const decimals = (body.rows[0].cells[2].textContent.split(".")[1] || "").length;
  const money = (minor) => {
    const digits = String(minor).padStart(decimals + 1, "0");
    const at = digits.length - decimals;
    return exact(decimals ? `${digits.slice(0, at)}.${digits.slice(at)}` : digits);
  };
  function filter() {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = rows.filter((each) => wanted.every((word) => each.words.includes(word)));
    const kept = new Set(found);
    for (const each of rows) each.row.hidden = !kept.has(each);
    table.tFoot.hidden = wanted.length > 0;
    const sum = (column) => found.reduce((all, each) => all + each.keys[column], 0n);
    said.textContent = wanted.length
      ? `${exact(String(found.length))} of ${exact(String(rows.length))} rows: revenue ${money(sum(2))}, units ${exact(String(sum(4)))}`
      : "";
  }
  input.addEventListener("input", filter);
  document.querySelector(".tools").hidden = false;
})();
