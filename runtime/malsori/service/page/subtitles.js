// A transcript as a file to keep: plain text, SubRip, WebVTT, JSON. Cues are cut at sentences, pauses and line lengths.

import { say } from "./words.js";

const LINE = 42; // cells; a Korean, Chinese or Japanese character takes two
const LINES = 2;
const CUE_S = 7;
const PAUSE_S = 0.8;
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60]/u;
const SENTENCE = /[.!?。！？…]["'”’)]?$/u;

const cells = (text) => [...text].reduce((sum, each) => sum + (WIDE.test(each) ? 2 : 1), 0);

/** The words of a segment as the text spells them, each with what stands before it; one for all where there are none. */
export function spelled(segment) {
  const words = [];
  let at = 0;
  for (const word of segment.words ?? []) {
    const text = word.word.trim();
    const found = segment.text.indexOf(text, at);
    const before = found < 0 ? " " : segment.text.slice(at, found);
    if (found >= 0) at = found + text.length;
    words.push({ text, before: words.length ? before : before.trimStart(), start: word.start, end: word.end });
  }
  const rest = segment.text.slice(at).trimEnd();
  if (!words.length) return [{ text: segment.text.trim(), before: "", start: segment.start, end: segment.end, whole: true }];
  words[words.length - 1].text += rest;
  return words;
}

/** The words of a segment for cues: where the server told none, its time is shared out by the length of what is written. */
function timed(segment) {
  const words = spelled(segment);
  if (!words[0].whole) return words;
  const pieces = words[0].text.split(/\s+/u);
  const all = pieces.reduce((sum, piece) => sum + cells(piece) + 1, 0);
  let at = segment.start;
  return pieces.map((text, index) => {
    const start = at;
    at += (segment.end - segment.start) * (cells(text) + 1) / all;
    return { text, before: index ? " " : "", start, end: index === pieces.length - 1 ? segment.end : at };
  });
}

/** Break words into lines of at most `LINE` cells; a longer word has a line to itself. */
function linesOf(words) {
  const lines = [];
  for (const { text, before } of words) {
    const last = lines[lines.length - 1];
    if (last !== undefined && cells(last + before + text) <= LINE) lines[lines.length - 1] += before + text;
    else lines.push(text);
  }
  return lines;
}

/** The cues of a transcript: `{start, end, lines}`. */
export function cuesOf(segments) {
  const cues = [];
  for (const segment of segments.filter((each) => each.text.trim())) {
    let words = [];
    const close = () => {
      if (words.length) cues.push({ start: words[0].start, end: words[words.length - 1].end, lines: linesOf(words) });
      words = [];
    };
    for (const word of timed(segment)) {
      const last = words[words.length - 1];
      const full = words.length && linesOf([...words, word]).length > LINES;
      const long = words.length && word.end - words[0].start > CUE_S;
      if (full || long || (last && (word.start - last.end > PAUSE_S || SENTENCE.test(last.text)))) close();
      words.push(word);
    }
    close();
  }
  return cues;
}

function time(seconds, point, hoursAlways) {
  const all = Math.round(seconds * 1000);
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(all / 3600000);
  const rest = `${two(Math.floor(all / 60000) % 60)}:${two(Math.floor(all / 1000) % 60)}${point}${String(all % 1000).padStart(3, "0")}`;
  return hours || hoursAlways ? `${two(hours)}:${rest}` : rest;
}

// An arrow would mean times, and a line break in a cue could end it.
const plain = (text) => text.replace(/\s+/gu, " ").replaceAll("-->", "->");
const escaped = (text) => plain(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const WRITERS = {
  txt: ({ segments }) => segments.filter((each) => each.text.trim()).map((each) => `${plain(each.text.trim())}\n`).join(""),
  srt: ({ segments }) => cuesOf(segments).map((cue, index) =>
    `${index + 1}\n${time(cue.start, ",", true)} --> ${time(cue.end, ",", true)}\n${cue.lines.map(plain).join("\n")}\n\n`).join(""),
  vtt: ({ segments }) => `WEBVTT\n\n${cuesOf(segments).map((cue) =>
    `${time(cue.start, ".", false)} --> ${time(cue.end, ".", false)}\n${cue.lines.map(escaped).join("\n")}\n\n`).join("")}`,
  json: ({ reply }) => `${JSON.stringify(reply, null, 2)}\n`,
};

/** A transcript in one of the formats. `reply` is what the server said, `segments` its segments with their words. */
export const render = (format, transcript) => WRITERS[format](transcript);

/** Fill `place` with buttons that save `transcript()` in each format, and one that copies its text. */
export function offerDownloads(place, name, transcript) {
  place.replaceChildren(Object.assign(document.createElement("span"), { className: "note", textContent: say("download") }));
  for (const format of Object.keys(WRITERS)) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: format });
    button.setAttribute("aria-label", `${say("download")} ${format}`);
    button.addEventListener("click", () => save(`${name}.${format}`, render(format, transcript())));
    place.append(button);
  }
  const copy = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: say("copy") });
  copy.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(render("txt", transcript()));
    copy.textContent = say("copied");
    setTimeout(() => { copy.textContent = say("copy"); }, 2000);
  });
  if (navigator.clipboard) place.append(copy);
  place.hidden = false;
}

function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
