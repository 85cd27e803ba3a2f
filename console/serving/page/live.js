"use strict";
// Names come from the shop: they are set as text, and never as markup.

const EVERY = 2000; // milliseconds, while a run moves
const EVERY_WHEN_STILL = 10000;
const ORDER = ["quarantined", "retried", "running", "unreadable", "waiting", "done", "reused", "duplicate"];
const MOVING = ["planning", "processing", "publishing"];
const TITLES = {
  planning: "Planning a run", processing: "Run under way", publishing: "Publishing",
  stopped: "The run has stopped", published: "The last run is published",
  refused: "The last run was refused", failed: "The last run failed",
};
const number = new Intl.NumberFormat("en");
const moment = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const part = (id) => document.getElementById(id);
let told = "";
let next = 0;

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function timeSpan(seconds) {
  const whole = Math.max(Math.round(seconds), 0);
  const minutes = Math.floor(whole / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

function sizeOf(bytes) {
  let size = bytes;
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (size < 999.5) return `${unit === "B" ? size : size.toFixed(1)} ${unit}`;
    size /= 1000;
  }
  return `${size.toFixed(1)} TB`;
}

function details(archive, now) {
  const words = [archive.state, sizeOf(archive.size)];
  if (archive.pieces > 1) words.push(`${archive.pieces_done}/${archive.pieces} shares`);
  if (archive.attempts > 1) words.push(`attempt ${archive.attempts}`);
  if (archive.since) words.push(timeSpan((now - new Date(archive.since)) / 1000));
  words.push(...archive.workers);
  if (archive.cause) words.push(archive.cause);
  return words.join(" · ");
}

function cell(archive, now) {
  const made = element("li", archive.state);
  made.append(element("span", "name", archive.name), element("span", "told", details(archive, now)));
  return made;
}

function count([state, howMany]) {
  const made = element("li");
  made.append(element("strong", "", number.format(howMany)), ` ${state}`);
  return made;
}

function rank(archive) {
  return ORDER.indexOf(archive.state);
}

// As it is shown, so that it is also said so.
function doneOf(run) {
  return `${number.format(run.pieces_done)} of ${number.format(run.pieces)} ${run.work_unit}`;
}

function showOutlook(seen) {
  const ended = seen.last_ended;
  if (ended) {
    const words = [ended.state, ended.status === "incomplete" && ended.state === "published" && "incomplete",
      ended.finished_at && moment.format(new Date(ended.finished_at))].filter(Boolean).join(", ");
    part("last").textContent = [`Last result: ${words}.`, ended.reason, ended.remedy].filter(Boolean).join(" ");
  }
  part("next").textContent = seen.next_run_at
    ? `The next run starts ${moment.format(new Date(seen.next_run_at))}.`
    : seen.missed_run_at
    ? `A run was expected ${moment.format(new Date(seen.missed_run_at))}, and nothing started it: is Celery's beat running?`
    : "No schedule is at work here: `sales-pipeline run` starts a run, and Celery's beat one every day.";
}

// Sparing: a new phase, or another tenth of the way.
function say(run) {
  const tenths = run.pieces ? Math.floor((10 * run.pieces_done) / run.pieces) : 0;
  const key = `${run.run_id} ${run.phase} ${tenths}`;
  if (key === told) return;
  told = key;
  part("said").textContent = `${TITLES[run.phase]}: ${doneOf(run)} done.`;
}

function show(run) {
  const moves = MOVING.includes(run.phase);
  const now = new Date(run.looked_at);
  part("title").textContent = document.title = TITLES[run.phase];
  part("about").textContent = [`Run ${run.run_id}`, run.engine && `${run.engine} engine`,
    run.status === "incomplete" && "incomplete"].filter(Boolean).join(" · ");
  const trouble = run.phase === "stopped"
    ? [`Nobody works on it. \`sales-pipeline resume ${run.run_id}\` goes on.`,
      ...run.workers_aside].join(" ")
    : [run.reason, run.remedy, run.waiting_for && `Nobody works on it now: ${run.waiting_for}.`,
      ...run.workers_aside].filter(Boolean).join(" ");
  part("trouble").textContent = trouble;
  part("trouble").hidden = !trouble;
  part("bar").max = run.pieces || 1;
  part("bar").value = run.pieces_done;
  part("done").textContent = doneOf(run);
  part("left").textContent = moves && run.left_seconds !== null ? timeSpan(run.left_seconds) : "–";
  part("pace").textContent = run.events_per_second === null ? "–" : number.format(Math.round(run.events_per_second));
  part("rate").textContent = run.bytes_per_second === null ? "–" : number.format(Math.round(run.bytes_per_second / 1e6));
  part("workers").textContent = number.format(run.workers.length);
  part("counts").replaceChildren(...ORDER.filter((state) => state in run.counts).map((state) => count([state, run.counts[state]])));
  const more = Object.values(run.counts).reduce((sum, howMany) => sum + howMany, 0) - run.archives.length;
  const sorted = more > 0 ? [...run.archives].sort((a, b) => rank(a) - rank(b)) : run.archives;
  part("archives").replaceChildren(...sorted.map((archive) => cell(archive, now)));
  part("more").hidden = more <= 0;
  part("more").textContent = `and ${number.format(more)} more archives`;
  part("browse").hidden = more <= 0;
  part("run").hidden = !run.archives.length;
  showOutlook(run);
  say(run);
  return moves;
}

// Archives by name, as many as one answer has, from where the last one ended.
async function browse() {
  const answer = await fetch(`api/archives?first=${next}`);
  if (!answer.ok) return;
  const page = await answer.json();
  const last = page.first + page.archives.length;
  const now = new Date(page.looked_at);
  part("page").replaceChildren(...page.archives.map((archive) => cell(archive, now)));
  part("range").textContent = `${number.format(page.first + 1)} to ${number.format(last)} of ${number.format(page.total)}, by name`;
  next = last < page.total ? last : 0;
}

function complain(message) {
  part("trouble").textContent = message;
  part("trouble").hidden = false;
}

async function look() {
  let moves = true;
  try {
    const answer = await fetch("api/progress", { cache: "no-store" });
    if (answer.ok) {
      moves = show(await answer.json());
    } else if (answer.status === 404) {
      part("title").textContent = "No run yet";
      showOutlook(await answer.json());
    } else {
      complain("The server cannot read the run's state now; it is asked again.");
    }
  } catch {
    complain("The server does not answer; it is asked again.");
  }
  setTimeout(look, moves && !document.hidden ? EVERY : EVERY_WHEN_STILL);
}

part("browse").addEventListener("click", browse);
look();
