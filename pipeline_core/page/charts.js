// Charts: revenue over time, of categories and of segments. They may round; tables do not.
"use strict";
const Charts = (() => {
  const {data, compact, money, exact} = Report;
  const DAY = 86400000;
  const EACH = {month: "month", week: "monday", day: "day"};
  // Few are as wide as if they were so many days.
  const LEAST_DAYS = {month: 180, week: 60, day: 14};
  const LENGTH = {month: 31, week: 7, day: 1};
  const day = (iso) => new Date(`${iso}T00:00:00Z`);
  // Isolated: a name that is written from right to left moves nothing beside it.
  const isolated = (name) => `\u2068${name.replace(/\s+/g, " ")}\u2069`;

  function periods(step) {
    return data.steps[step].map(([key, iso, name, revenue, units]) => {
      const start = day(iso);
      const end = step === "month"
        ? new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1))
        : new Date(+start + LENGTH[step] * DAY);
      const isGap = revenue === null;
      const says = isGap ? `${key}\nNo data` : `${name}\nRevenue ${money(revenue)}\nUnits ${exact(String(units))}`;
      return {key, start, end, middle: new Date((+start + +end) / 2), isGap, says,
              revenue: isGap ? NaN : Number(revenue)};
    });
  }

  // A line is not drawn over days of which there are none, but for a weekend that is closed.
  function withBreaks(all) {
    return all.flatMap((each, at) => {
      const isFar = at > 0 && each.start - all[at - 1].end > 2 * DAY;
      return isFar ? [{...each, revenue: NaN}, each] : [each];
    });
  }

  const drawTime = (step, selected) => (width) => {
    const all = periods(step);
    const end = all.at(-1).end;
    const start = new Date(Math.min(all[0].start, end - LEAST_DAYS[step] * DAY));
    const gaps = all.filter((each) => each.isGap);
    const line = withBreaks(all);
    const isBreak = (each) => each === undefined || Number.isNaN(each.revenue);
    const alone = line.filter((each, at) => !isBreak(each) && isBreak(line[at - 1]) && isBreak(line[at + 1]));
    const x = {x: "start", interval: EACH[step], insetLeft: 0.5, insetRight: 0.5, y: "revenue"};
    // One column each, as long as a column is wide enough to be seen; otherwise a line with gaps.
    const marks = width * LENGTH[step] * DAY / (end - start) >= 3
      ? [Plot.rectY(all.filter((each) => each.key !== selected && each.revenue >= 0), {...x, fill: "var(--bar)"}),
         Plot.rectY(all.filter((each) => each.key !== selected && each.revenue < 0), {...x, fill: "var(--minus)"}),
         Plot.rectY(all.filter((each) => each.key === selected), {...x, fill: "var(--accent)"})]
      : [Plot.areaY(line, {x: "middle", y1: 0, y2: "revenue", fill: "var(--bar)", fillOpacity: 0.25}),
         Plot.lineY(line, {x: "middle", y: "revenue", stroke: "var(--bar)", strokeWidth: 1.25}),
         Plot.ruleX(alone, {x: "middle", y1: 0, y2: "revenue", stroke: "var(--bar)", strokeWidth: 1.25}),
         Plot.ruleX(all.filter((each) => each.key === selected), {x: "middle", stroke: "var(--accent)", strokeWidth: 2})];
    const chart = Plot.plot({
      className: "chart", width, height: width < 500 ? 180 : 240,
      marginLeft: 52, marginRight: 12, marginTop: 12, style: {fontSize: "12px"},
      x: {type: "utc", label: null, domain: [start, end]},
      y: {label: null, grid: true, zero: true, nice: true, ticks: 4, tickFormat: compact,
          ...(all.some((each) => each.revenue) ? {} : {domain: [0, 1], ticks: 1})},
      marks: [Plot.rectY(gaps, {x1: "start", x2: "end", y1: null, y2: null, fill: "var(--gap)"}),
              ...marks, Plot.ruleY([0]),
              Plot.tip(all, Plot.pointerX({x: "middle", y: (each) => each.revenue || 0, title: "says", fontSize: 12}))],
    });
    chart.addEventListener("click", () => {
      if (chart.value && !chart.value.isGap) location.hash = chart.value.key;
    });
    return chart;
  };

  const drawBars = (groups) => (width) => {
    const room = Math.min(180, Math.round(width * 0.42));
    const bars = groups.map(([name, revenue], at) => ({at, name, revenue: Number(revenue)}));
    const least = Math.min(0, ...bars.map((bar) => bar.revenue));
    const most = Math.max(1e-30, ...bars.map((bar) => bar.revenue));
    return Plot.plot({
      className: "chart", width, height: 26 * bars.length + 8,
      marginLeft: room, marginRight: 72, marginTop: 4, marginBottom: 4,
      x: {axis: null, domain: [least, most]},
      y: {domain: bars.map((bar) => bar.at), padding: 0.3},
      style: {fontSize: "13px"},
      marks: [
        Plot.axisY({label: null, tickSize: 0, tickFormat: (at) => isolated(bars[at].name),
                    lineWidth: room / 15, textOverflow: "ellipsis-end"}),
        Plot.barX(bars.filter((bar) => bar.revenue >= 0), {x: "revenue", y: "at", fill: "var(--bar)", rx: 2}),
        Plot.barX(bars.filter((bar) => bar.revenue < 0), {x: "revenue", y: "at", fill: "var(--minus)", rx: 2}),
        ...(least < 0 ? [Plot.ruleX([0])] : []),
        // Beside a bar below zero there is room at zero only.
        Plot.text(bars, {x: (bar) => Math.max(0, bar.revenue), y: "at", text: (bar) => compact(bar.revenue),
                         textAnchor: "start", dx: 6, fill: "var(--ink)"}),
      ],
    });
  };

  // Draws into a place as wide as that is, and again whenever it is told to.
  function draw(id, drawn) {
    const place = document.getElementById(id);
    if (!place) return () => {};
    let shown = 0;
    const redraw = (isAnew) => {
      const width = Math.floor(place.clientWidth);
      if (!width || (width === shown && isAnew !== true)) return;
      shown = width;
      const chart = drawn()(width);
      chart.setAttribute("aria-hidden", "true"); // its place has a label, and a table beside it
      place.replaceChildren(chart);
    };
    new ResizeObserver(redraw).observe(place);
    redraw();
    return () => redraw(true);
  }
  draw("chart-categories", () => drawBars(data.categories));
  draw("chart-segments", () => drawBars(data.segments));
  return {draw, drawTime};
})();
