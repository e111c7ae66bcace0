// The text of a file: segments with their times, and words that can be chosen to hear them, by pointer or by keys.

import { spelled } from "./subtitles.js";
import { clock, say } from "./words.js";

/** Give each segment of a reply its words, which the server lists for the whole recording. */
export function withWords({ segments = [], words = [] }) {
  let next = 0;
  return segments.map((segment, index) => {
    const own = [];
    const last = index === segments.length - 1;
    while (next < words.length && (last || (words[next].start + words[next].end) / 2 < segments[index + 1].start)) own.push(words[next++]);
    return { ...segment, words: segment.words ?? own };
  });
}

/** One transcript on the page. `onHear(start, end)` is asked to play a part of the recording. */
export class TranscriptView {
  constructor(place, name, language, segments, onHear) {
    Object.assign(this, { place, onHear, words: [], current: null });
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", `${say("text", { name })} ${say("wordsHint")}`);
    if (language) place.lang = language;
    place.replaceChildren(...segments.filter((each) => each.text.trim()).map((each) => this.segment(each)));
    if (!this.words.length) place.textContent = say("nothing");
    else this.words[0].tabIndex = 0; // one stop for Tab; arrows go on from there
    place.addEventListener("click", ({ target }) => this.chosen(target));
    place.addEventListener("keydown", (event) => this.key(event));
  }

  segment(segment) {
    const line = Object.assign(document.createElement("p"), { className: "segment" });
    const time = Object.assign(document.createElement("button"), { type: "button", className: "time", tabIndex: -1, textContent: clock(segment.start) });
    time.setAttribute("aria-label", say("playFrom", { at: clock(segment.start) }));
    Object.assign(time.dataset, { start: segment.start, end: segment.end });
    const text = document.createElement("span");
    for (const { text: word, before, start, end } of spelled(segment)) {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "word", tabIndex: -1, textContent: word });
      Object.assign(button.dataset, { start, end });
      text.append(before, button);
      this.words.push(button);
    }
    line.append(time, text);
    return line;
  }

  chosen(target) {
    if (target.dataset.start === undefined) return;
    if (target.classList.contains("word")) this.focus(target);
    this.onHear(Number(target.dataset.start), Number(target.dataset.end));
  }

  focus(word) {
    for (const each of this.words) if (each.tabIndex === 0) each.tabIndex = -1;
    word.tabIndex = 0;
    word.focus();
  }

  key(event) {
    const at = this.words.indexOf(event.target);
    if (at < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: this.across(at, 1), ArrowUp: this.across(at, -1), Home: 0, End: this.words.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    if (this.words[next]) this.focus(this.words[next]);
  }

  /** The first word of the next segment, or of the one before. */
  across(at, way) {
    const line = this.words[at].closest(".segment");
    const other = way > 0 ? line.nextElementSibling : line.previousElementSibling;
    return other ? this.words.indexOf(other.querySelector(".word")) : at;
  }

  /** Mark the word that is heard now. */
  show(at) {
    const now = this.words.find((word) => Number(word.dataset.start) <= at && at < Number(word.dataset.end)) ?? null;
    if (now === this.current) return;
    this.current?.classList.remove("now");
    now?.classList.add("now");
    this.current = now;
  }
}
