// What every script of the page needs: its data, and how figures are written.
"use strict";
const Report = (() => {
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

  const numbers = new Intl.NumberFormat("en", {notation: "compact", maximumSignificantDigits: 3});
  const compact = (number) => numbers.format(number).replace("-", "\u2212");
  // Decimal text, every digit kept: 1234567.80 to 1,234,567.80.
  const exact = (text) => {
    const [whole, decimals] = text.replace("-", "\u2212").split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
    return decimals === undefined ? grouped : `${grouped}.${decimals}`;
  };
  const money = (text) => {
    const space = /\p{L}$/u.test(data.currency) ? "\u00a0" : "";
    return exact(text).replace(/^\u2212?/, (sign) => `${sign}${data.currency}${space}`);
  };
  // Minor units, which are whole: sums of them are exact.
  const minor = (text) => BigInt(text.replace(".", ""));
  const ofMinor = (amount, decimals) => {
    const digits = String(amount < 0n ? -amount : amount).padStart(decimals + 1, "0");
    const at = digits.length - decimals;
    const sign = amount < 0n ? "-" : "";
    return `${sign}${digits.slice(0, at)}${decimals ? `.${digits.slice(at)}` : ""}`;
  };
  const element = (tag, properties, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  // A link to a fold opens it.
  const unfold = () => {
    const fold = document.getElementById(location.hash.slice(1));
    if (fold?.tagName === "DETAILS") fold.open = true;
  };
  addEventListener("hashchange", unfold);
  unfold();
  return {data, own, compact, exact, money, minor, ofMinor, element};
})();

// How fresh it is, once a minute; without the script the time itself stands there.
{
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
}
