// Files, one after another: sent, heard, shown with their sound, and offered for download.

import { Problem, send, showProblem, uploadBytes } from "./server.js";
import { offerDownloads } from "./subtitles.js";
import { TranscriptView, withWords } from "./transcript.js";
import { peaksOf, stretchesOf, Waveform } from "./waveform.js";
import { clock, languageCode, languageName, say, size, translate } from "./words.js";

const PEAKS = 2000;
const EDGE_S = 0.06; // what is played around a word, for its first and last sound
const TRIES = 5; // of a file at a busy server
const BUSY_S = 5; // between them, where the server does not say
const FINAL = ["invalid_audio", "unsupported_format", "audio_too_short", "audio_too_long", "request_too_large"]; // however often it is sent

let playing = null; // the one sound that plays
let queue = Promise.resolve();

const wait = (seconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, seconds * 1000);
  signal.addEventListener("abort", () => (clearTimeout(timer), reject(new DOMException("", "AbortError"))));
});

/** Take files: they get their places on the page at once, above those of before, and their turns one after another. */
export function hear(files, choice) {
  const views = files.map((file) => new FileView(file, choice));
  document.getElementById("results").prepend(...views.map(({ root }) => root));
  for (const view of views) view.queue();
}

class FileView {
  constructor(file, choice) {
    Object.assign(this, { file, choice, name: file.name.replace(/\.[^.]*$/, "") || file.name });
    this.root = document.getElementById("file-template").content.firstElementChild.cloneNode(true);
    translate(this.root);
    this.find("h2").textContent = file.name;
    this.find(".facts-line").textContent = size(file.size);
    this.find(".cancel").addEventListener("click", () => this.pressed());
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  state(text, part) {
    this.find(".state").textContent = text;
    const bar = this.find("progress");
    if (part === undefined) bar.removeAttribute("value");
    else bar.value = part;
  }

  queue() {
    this.stopper = new AbortController();
    this.busy(true);
    this.state(say("waiting"), 0);
    queue = queue.then(() => this.run());
  }

  /** While a file is under way the button cancels it; afterwards the place can be emptied, and a failed one tried again. */
  busy(is) {
    this.under = is;
    this.find(".progress").hidden = !is;
    this.find(".cancel").textContent = say(is ? "cancel" : "remove");
  }

  pressed() {
    if (this.under) return this.stopper.abort();
    this.sound?.pause();
    if (this.sound) URL.revokeObjectURL(this.sound.src);
    this.root.remove();
  }

  async run() {
    const started = performance.now();
    try {
      this.stopper.signal.throwIfAborted();
      if (this.file.size > uploadBytes()) throw new Problem({ status: 413, code: "request_too_large" });
      showProblem(this.find(".problems"), null);
      const reply = await this.ask();
      this.busy(false);
      this.show(reply, (performance.now() - started) / 1000);
    } catch (problem) {
      this.busy(false);
      if (problem.name === "AbortError") this.find(".facts-line").textContent = say("cancelled");
      else showProblem(this.find(".problems"), problem instanceof Problem ? problem : "broken");
      if (!FINAL.includes(problem.code)) this.offerAgain();
    }
  }

  offerAgain() {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: say("again") });
    button.addEventListener("click", () => {
      button.remove();
      this.find(".facts-line").textContent = size(this.file.size);
      showProblem(this.find(".problems"), null);
      this.queue();
    });
    this.find(".problems").after(button);
  }

  /** Ask the server, again while it is busy. */
  async ask() {
    for (let tries = 1; ; tries++) {
      try {
        return await this.askOnce();
      } catch (problem) {
        if (problem.status !== 429 || tries === TRIES) throw problem;
        const seconds = problem.retryAfter ?? BUSY_S;
        this.state(say("busyWait", { seconds }));
        await wait(seconds, this.stopper.signal);
      }
    }
  }

  async askOnce() {
    const form = new FormData();
    const { model, language } = this.choice();
    const fields = { model: model ?? "whisper-1", ...(language && { language }), response_format: "verbose_json" };
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    for (const each of ["segment", "word"]) form.append("timestamp_granularities[]", each);
    form.append("file", this.file); // last, so that the rest is known when it comes
    let ticking = null;
    const onSent = (part) => {
      this.state(say("sending", { percent: Math.floor(part * 100) }), part);
      if (part === 1) ticking ??= this.tick();
    };
    onSent(0);
    try {
      return await send("v1/audio/transcriptions", form, { signal: this.stopper.signal, onSent });
    } finally {
      clearInterval(ticking);
    }
  }

  tick() {
    const from = performance.now();
    const show = () => this.state(say("hearing", { time: clock((performance.now() - from) / 1000) }));
    show();
    return setInterval(show, 1000);
  }

  show(reply, took) {
    const segments = withWords(reply);
    const language = reply.language ? languageName(reply.language) : "";
    this.find(".facts-line").textContent = say("facts", { length: clock(reply.duration), language, took: `${took.toFixed(1)} s` });
    for (const warning of reply.warnings ?? []) this.warn(warning);
    this.text = new TranscriptView(this.find(".transcript"), this.file.name, languageCode(reply.language ?? ""), segments, (start, end) => this.hear(start, end));
    this.find(".transcript").hidden = false;
    offerDownloads(this.find(".downloads"), this.name, () => ({ segments, reply }));
    this.setUpPlayer(reply.duration, stretchesOf(segments));
  }

  warn(text) {
    this.find(".warnings").append(Object.assign(document.createElement("li"), { textContent: text }));
  }

  setUpPlayer(duration, stretches) {
    this.find(".player").hidden = false;
    this.sound = new Audio(URL.createObjectURL(this.file));
    this.sound.addEventListener("error", () => (this.find(".play").disabled || this.warn(say("cannotPlay")), this.find(".play").disabled = true));
    this.sound.addEventListener("play", () => this.follow());
    this.sound.addEventListener("pause", () => this.showButton());
    this.wave = new Waveform(this.find(".wave"), this.file.name, duration, stretches, (at) => this.seek(at));
    this.find(".play").addEventListener("click", () => (this.sound.paused ? this.hear(this.wave.at, Infinity) : this.sound.pause()));
    this.showButton();
    this.showAt(0);
    peaksOf(this.file, duration, PEAKS).then((peaks) => {
      this.wave.peaks = peaks;
      this.wave.draw();
    });
  }

  seek(at) {
    this.upTo = Infinity;
    this.sound.currentTime = at;
    this.showAt(at);
  }

  /** Play from `start` to `end` in seconds; whatever else plays is silent from then on. */
  async hear(start, end) {
    if (playing && playing !== this) playing.sound.pause();
    playing = this;
    this.upTo = end + EDGE_S;
    const from = end === Infinity ? (start >= this.wave.duration - 0.1 ? 0 : start) : start - EDGE_S;
    this.sound.currentTime = Math.max(0, from);
    await this.sound.play().catch(() => {}); // what cannot be played has told so by its event
    this.showButton();
  }

  /** Move the marks along with the sound, and end where a word ends. */
  follow() {
    this.showAt(this.sound.currentTime);
    if (this.sound.currentTime >= this.upTo) this.sound.pause();
    if (!this.sound.paused) requestAnimationFrame(() => this.follow());
  }

  showAt(at) {
    this.wave.show(Math.min(at, this.wave.duration));
    this.text.show(at);
    this.find(".clock").textContent = `${clock(at)} / ${clock(this.wave.duration)}`;
  }

  showButton() {
    this.find(".play").classList.toggle("on", !this.sound.paused);
    this.find(".play span").textContent = say(this.sound.paused ? "play" : "pause");
  }
}
