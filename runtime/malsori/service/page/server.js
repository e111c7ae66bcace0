// What the page asks of its server: addresses, the key, requests, and in which words a refusal is told.

import { say, size } from "./words.js";

const KEY = "malsori-key";
let limits = {};

/** An address beside the page's own, so that the page may also stand below a path of a proxy. */
export const address = (path) => new URL(path, document.baseURI);

/** The key that was given in this tab, or an empty text. */
export const key = () => sessionStorage.getItem(KEY) ?? "";

/** Keep a key for this tab; an empty one is forgotten. */
export function keepKey(text) {
  if (text) sessionStorage.setItem(KEY, text);
  else sessionStorage.removeItem(KEY);
}

/** What went wrong: HTTP's status (0: no answer), the code and message of the server. */
export class Problem extends Error {
  constructor({ status = 0, code = null, message = "", param = null, retryAfter = null }) {
    super(message);
    Object.assign(this, { status, code, param, retryAfter });
  }
}

function problemOf(status, body, retryAfter) {
  let error = {};
  try {
    error = JSON.parse(body).error ?? {};
  } catch { /* a proxy's page, say */ }
  return new Problem({ ...error, status, retryAfter: Number(retryAfter) || null });
}

const heads = () => (key() ? { Authorization: `Bearer ${key()}` } : {});

/** Get JSON from the server; raises a Problem. */
export async function ask(path) {
  let response;
  try {
    response = await fetch(address(path), { headers: heads(), cache: "no-store" });
  } catch {
    throw new Problem({});
  }
  if (!response.ok) throw problemOf(response.status, await response.text(), response.headers.get("Retry-After"));
  return response.json();
}

/** Ask for the limits once, for what the page can tell before anything is sent. */
export async function learnLimits() {
  try {
    limits = await ask("v1/limits");
  } catch { /* the server will say it then */ }
}

/** The largest upload in bytes, as far as it is known. */
export const uploadBytes = () => limits.upload_bytes ?? Infinity;

/**
 * Send a form; `onSent` is told the part of it that has left, from 0 to 1. Returns the JSON of the reply; raises a
 * Problem, or an AbortError when `signal` says so.
 */
export function send(path, form, { signal, onSent }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch does not tell how much was sent
    request.open("POST", address(path));
    for (const [name, value] of Object.entries(heads())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && onSent(event.loaded / event.total);
    request.upload.onload = () => onSent(1);
    request.onload = () => request.status === 200
      ? resolve(JSON.parse(request.responseText))
      : reject(problemOf(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    request.onerror = () => reject(new Problem({}));
    request.onabort = () => reject(new DOMException("", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/** Open the socket for live sound. A browser sets no heads here, so a key goes as a second subprotocol. */
export function openSocket() {
  const url = address("v1/listen");
  url.protocol = url.protocol.replace("http", "ws");
  const bytes = new TextEncoder().encode(key());
  const coded = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return new WebSocket(url, key() ? ["malsori", `malsori-key.${coded}`] : []);
}

const BY_CODE = {
  invalid_api_key: "wantsKey", model_not_found: "noModel", request_too_large: "tooLarge", audio_too_long: "tooLong",
  invalid_audio: "unreadable", unsupported_format: "unreadable", audio_too_short: "tooShort", server_busy: "full",
  session_too_long: "longSession", idle_timeout: "noSound", shutting_down: "leaving", model_loading: "starting", deadline_exceeded: "tooSlow", engine_restarting: "starting",
};
const BY_STATUS = { 0: "offline", 401: "wantsKey", 413: "tooLarge", 429: "full", 503: "starting", 504: "tooSlow" };

const PLAIN = ["wantsKey", "full", "leaving", "starting"]; // the server's own words are for programs there

/** The name in `words.js` of what a problem is called. */
function named(problem) {
  if (problem.code === "invalid_value" && problem.param === "language") return "badLanguage";
  return BY_CODE[problem.code] ?? BY_STATUS[problem.status] ?? (problem.status >= 500 ? "broken" : "refused");
}

/** What happened, what to do next, and what the server itself said: three texts, the last may be empty. */
export function explain(problem) {
  const name = problem instanceof Problem ? named(problem) : problem;
  const detail = PLAIN.includes(name) ? "" : problem.message ?? "";
  return { name, what: say(name), next: say(`${name}Next`, { most: size(uploadBytes()) }), detail };
}

/** Show a problem, by name or as one, in `place`; nothing when there is none. */
export function showProblem(place, problem) {
  place.replaceChildren();
  if (!problem) return;
  const { name, what, next, detail } = explain(problem);
  const box = Object.assign(document.createElement("div"), { className: "problem" });
  box.append(Object.assign(document.createElement("strong"), { textContent: what }), ` ${next}`);
  if (detail) box.append(Object.assign(document.createElement("small"), { textContent: detail, lang: "en" }));
  place.append(box);
  if (name === "wantsKey") document.dispatchEvent(new Event("wants-key"));
}
