// The table of categories and segments: sorting, and a filter.
"use strict";
(() => {
  const {exact, ofMinor} = Report;
  const table = document.getElementById("table");
  if (!table) return;
  const body = table.tBodies[0];
  const headers = [...table.tHead.rows[0].cells];
  const texts = new Intl.Collator("en", {numeric: true});
  const number = (cell) => {
    const digits = BigInt(cell.textContent.replace(/\D/g, "") || 0);
    return cell.textContent.startsWith("\u2212") ? -digits : digits;
  };
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
  const money = (amount) => exact(ofMinor(amount, decimals));
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
