/* Switchboard console. Light-DOM behaviour by delegation, so HTML that htmx swaps in needs no set-up.
   Every page works without it. No eval, no inline handlers: CSP script-src 'self' is enough. */
"use strict";
const $ = (s, r = document) => r.querySelector(s), $$ = (s, r = document) => [...r.querySelectorAll(s)];
const root = document.documentElement;
const say = (text) => { const el = $("#announce"); if (el) { el.textContent = ""; requestAnimationFrame(() => (el.textContent = text)); } };
const typing = (el) => el && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName));
const banner = (title, text) => {
  const box = $("#banner"), el = document.createElement("div"), b = document.createElement("b");
  if (!box) return;
  el.className = "banner"; el.setAttribute("role", "status"); b.textContent = title; el.append(b, ` ${text}`);
  el.dataset.by = "console"; $("[data-by=console]", box)?.remove(); box.append(el);
};

/* ---- command palette: <dialog> and an APG combobox; its results come from the server --------- */
const palette = $("#palette"), input = $("#palette-q");
const options = () => $$("[role=option]:not([aria-disabled])", palette);
const at = () => options().findIndex((o) => o.getAttribute("aria-selected") === "true");
function pick(i) {
  const all = options();
  if (!all.length) return input.removeAttribute("aria-activedescendant");
  i = (i + all.length) % all.length;
  all.forEach((o, n) => o.setAttribute("aria-selected", n === i));
  input.setAttribute("aria-activedescendant", all[i].id);
  all[i].scrollIntoView({ block: "nearest" });
}
function openPalette() {
  palette.showModal(); input.select(); input.dispatchEvent(new CustomEvent("palette:open"));
}
palette?.addEventListener("keydown", (e) => {
  if (e.isComposing) return;
  if (e.key === "ArrowDown" || e.key === "ArrowUp") { e.preventDefault(); pick(at() + (e.key === "ArrowDown" ? 1 : -1)); }
  if (e.key === "Enter") {
    e.preventDefault(); e.stopPropagation();
    const chosen = options()[at()];
    if (chosen && (e.metaKey || e.ctrlKey)) window.open(chosen.href, "_blank", "noopener"); else chosen?.click();
  }
});
document.addEventListener("htmx:after:swap", (e) => { if (e.target === input) { pick(0); say(`${options().length} results`); } });

/* ---- keyboard: an element says its own key, data-key="c"; "?" lists them ---------------------- */
const singleKeys = () => root.dataset.keys !== "off"; /* WCAG 2.1.4 */
const reachable = (el) => el.checkVisibility() || el.closest("[popover]");
let chord = "";
function move(step) {
  const rows = $$("main .rowlink").filter((el) => el.checkVisibility()), i = rows.indexOf(document.activeElement);
  rows[Math.max(0, Math.min(rows.length - 1, i + step))]?.focus();
}
function showKeys() {
  const list = $("#page-keys"), own = $$("[data-key]").filter((el) => !el.closest("nav.nav") && el.checkVisibility());
  list.replaceChildren(...own.flatMap((el) => {
    const dt = document.createElement("dt"), dd = document.createElement("dd"), k = document.createElement("kbd"), copy = el.cloneNode(true);
    $$(".kbd", copy).forEach((x) => x.remove());
    dt.textContent = el.getAttribute("aria-label") || copy.textContent.trim() || el.labels?.[0]?.textContent.replace(/\/$/, "").trim() || el.name;
    k.className = "kbd"; k.textContent = el.dataset.key; dd.append(k);
    return [dt, dd];
  }));
  list.parentElement.hidden = !own.length; $("#keys").showModal();
}
document.addEventListener("keydown", (e) => {
  const mod = e.metaKey || e.ctrlKey;
  if (mod && e.key.toLowerCase() === "k" && palette) { e.preventDefault(); return palette.open ? palette.close() : openPalette(); }
  if (mod && e.key === "Enter") return e.target.closest?.("form")?.requestSubmit();
  if (mod || e.altKey || e.isComposing || !singleKeys() || typing(e.target) || $("dialog[open]")) return;
  const key = chord + e.key; chord = e.key === "g" && !chord ? "g " : ""; if (chord) setTimeout(() => (chord = ""), 900);
  const hit = $$(`[data-key="${CSS.escape(key)}"]`).find(reachable);
  if (hit) { e.preventDefault(); return typing(hit) ? hit.focus() : hit.click(); }
  if (key === "j" || key === "k") { e.preventDefault(); move(key === "j" ? 1 : -1); }
  if (key === "?") { e.preventDefault(); showKeys(); }
  if (key === "t") themeTo(dark() ? "light" : "dark");
});

$$("[data-generate]").forEach((el) => (el.hidden = false)); /* without scripts there is nothing to press */
/* hints are printed for Linux and Windows; a Mac's own key is the same handler's */
if (/Mac|iP(hone|ad)/.test(navigator.platform)) for (const k of $$(".kbd")) if (!k.closest("#keys")) k.textContent = k.textContent.replace(/^Ctrl ?/, "⌘");

/* ---- delegated clicks and forms --------------------------------------------------------------- */
document.addEventListener("click", (e) => {
  const opener = e.target.closest("[data-palette-open], [data-dialog]"), copy = e.target.closest("[data-copy]");
  const dialog = opener && (opener.dataset.dialog ? document.getElementById(opener.dataset.dialog) : palette);
  if (dialog && !(e.metaKey || e.ctrlKey)) { e.preventDefault(); $$(":popover-open").forEach((p) => p.hidePopover()); return dialog === palette ? openPalette() : dialog.id === "keys" ? showKeys() : dialog.showModal(); }
  if (e.target instanceof HTMLDialogElement || e.target.closest("[data-close]")) return e.target.closest("dialog")?.close();
  e.target.closest("[data-dismiss]")?.closest(".notice").remove();
  const maker = e.target.closest("[data-generate]"), made = maker && document.getElementById(maker.dataset.generate);
  if (made) { /* shown, because the receiver needs the same */
    made.type = "text"; made.value = `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))}`;
    made.select(); say("A key was made. Give the same to the receiver, then save.");
  }
  if (copy) navigator.clipboard.writeText(copy.dataset.copy).then(() => {
    say("Copied"); copy.dataset.copied = ""; setTimeout(() => delete copy.dataset.copied, 1600);
  });
});
const themeForm = $("[data-theme-form]"), dark = () => getComputedStyle(root).colorScheme === "dark" || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
function themeTo(value) { const button = themeForm && $(`button[value="${value}"]`, themeForm); if (button) themeForm.requestSubmit(button); }
document.addEventListener("submit", (e) => {
  if (e.target === themeForm) {
    e.preventDefault();
    const value = e.submitter.value;
    if (value) root.dataset.theme = value; else delete root.dataset.theme;
    $$("button", themeForm).forEach((b) => b.setAttribute("aria-pressed", b === e.submitter));
    return void fetch(themeForm.action, { method: "POST", body: new FormData(themeForm, e.submitter), redirect: "manual", keepalive: true });
  }
  if (e.defaultPrevented || e.target.method === "dialog" || e.target.method === "get") return;
  if (e.target.dataset.sent) return e.preventDefault(); /* a second press sends nothing */
  e.target.dataset.sent = "1"; e.submitter?.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => $$("form[data-sent]").forEach((f) => { delete f.dataset.sent; $$("[aria-busy]", f).forEach((b) => b.removeAttribute("aria-busy")); }));

/* ---- time: the server prints absolute UTC; this ticks the relative half, by the server's clock - */
const skew = root.dataset.now ? Date.parse(root.dataset.now) - Date.now() : 0;
const now = () => Date.now() + skew;
const STEPS = [[3600, 60, "min"], [86400, 3600, "h"], [60 * 86400, 86400, "d"], [730 * 86400, 30 * 86400, "mo"], [Infinity, 365 * 86400, "y"]];
function relative(s) {
  const size = Math.abs(s), [, unit, word] = STEPS.find(([limit]) => size < limit), n = Math.floor(size / unit);
  return size < 60 ? "just now" : s > 0 ? `${n} ${word} ago` : `in ${n} ${word}`;
}
function length(s, short) {
  const m = Math.max(0, Math.floor(s / 60)), h = Math.floor(m / 60), d = Math.floor(h / 24);
  return short ? `${h}:${String(m % 60).padStart(2, "0")}` : d ? `${d}d ${h % 24}h` : h ? `${h}h ${String(m % 60).padStart(2, "0")}m` : m ? `${m}m` : `${Math.max(0, Math.floor(s))}s`;
}
function tick() {
  for (const t of $$("time[data-rel]")) t.textContent = relative(Math.trunc((now() - Date.parse(t.dateTime)) / 1000));
  for (const t of $$("[data-since]")) t.textContent = length((now() - Date.parse(t.dataset.since)) / 1000, "short" in t.dataset);
}
/* the zone is known to the browser alone; the server prints times in it once it is chosen */
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone, clock = $(".clock time");
for (const b of $$("button[name=zone]")) b.value ||= zone;
tick(); setInterval(tick, 30000);
if (clock) setInterval(() => (clock.textContent = new Date(now()).toLocaleTimeString("en-GB", { timeZone: root.dataset.zone })), 1000);

/* ---- live connection: says what it is, and since when it is not -------------------------------- */
const conn = $("#conn");
let lost = 0, grace = 0;
function live(state) {
  clearTimeout(grace); grace = 0;
  if (!conn || (state === "live" && conn.dataset.state === "live")) return;
  if (state === "live") { lost = 0; $("#banner > [data-by=console]")?.remove(); } else lost ||= now();
  conn.hidden = false; conn.dataset.state = state;
  $("[data-conn-text]", conn).textContent = state === "live" ? "Live" : "Updates paused, reconnecting";
  if (state !== "live") banner("Live updates paused.", `Reconnecting. What you see is from ${new Date(lost).toISOString().slice(11, 19)} UTC.`);
}
const streams = (e) => e.target.closest?.("[hx-sse\\:connect]");
document.addEventListener("htmx:sse:after:connection", () => live("live"));
const fading = () => { lost ||= now(); grace ||= setTimeout(live, 3000, "paused"); }; /* a reconnect within 3 s is not worth a word */
document.addEventListener("htmx:sse:before:connection", (e) => { if (e.detail.connection.attempt > 0) fading(); });
document.addEventListener("htmx:sse:error", fading);
function failed(e) {
  const status = e.detail.ctx?.response?.status, id = e.detail.ctx?.response?.headers.get("X-Request-Id");
  if (streams(e)) { live("paused"); setTimeout(() => e.target.isConnected && htmx.trigger(e.target, "live:again"), 10000); return; }
  if (status && status < 500) return;
  banner(status ? "That did not work." : "The server did not answer.", `Nothing was changed on this page. Try again in a moment.${id ? ` Reference ${id}.` : ""}`);
}
document.addEventListener("htmx:error", failed);
document.addEventListener("htmx:response:error", failed);

/* a refused form is shown on its page under the form's address: give the page its own back, so that reloading asks for it */
const refusal = $("#refusal");
if (refusal) { history.replaceState(null, "", refusal.dataset.page); refusal.focus(); }

$("dialog[data-autoopen]")?.showModal();
tick();
