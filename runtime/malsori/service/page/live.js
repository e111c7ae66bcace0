// Speak and read: the microphone through the worklet to the socket, and what comes back as captions.

import { address, ask, openSocket, Problem, showProblem } from "./server.js";
import { offerDownloads } from "./subtitles.js";
import { LevelStrip } from "./waveform.js";
import { clock, say } from "./words.js";

const get = (id) => document.getElementById(id);
const BEHIND_S = 30; // seconds of sound that may wait in the browser for a slow connection
const SILENT_S = 4; // without any sound at all, a microphone is off
const LAST_WORDS_S = 25; // how long the finals may take after the end
const HAS_KEYS = matchMedia("(pointer: fine)");
const TOLD_BY_CLOSE = { 1001: "leaving", 1012: "leaving", 1013: "full" };

/** One time of listening, from the button to the last final. */
class Session {
  constructor(captions, choice, onEnd) {
    Object.assign(this, { captions, choice, onEnd, samples: 0, heardAt: 0, state: "asking" });
    this.strip = new LevelStrip(get("level"));
  }

  show(state) {
    this.state = state;
    this.say(state);
  }

  say(text) {
    get("live-state").textContent = text === "listening" && HAS_KEYS.matches ? `${say(text)} ${say("keysStop")}` : say(text);
  }

  async start() {
    try {
      this.show("asking");
      await this.openMicrophone();
      if (this.state === "over") return this.release();
      this.show("connecting");
      await this.connect();
      if (this.state === "connecting") this.show("listening");
    } catch (error) {
      this.fail(error);
    }
  }

  async openMicrophone() {
    if (!window.isSecureContext) throw "insecure";
    if (!navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode) throw "old";
    // Echo and noise cancelling are made for ears on a telephone and take sound away that a model can use.
    const sound = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: true };
    try {
      this.microphone = await navigator.mediaDevices.getUserMedia({ audio: sound });
    } catch (error) {
      throw { NotFoundError: "noMicrophone", NotAllowedError: "denied", SecurityError: "denied" }[error.name] ?? "taken";
    }
    this.microphone.getAudioTracks()[0].onended = () => this.fail("noMicrophone");
    this.context = new AudioContext();
    try {
      await this.context.audioWorklet.addModule(address("page/worklet.js"));
    } catch {
      throw await whyRefused("old");
    }
    await this.context.resume();
  }

  connect() {
    this.socket = openSocket();
    this.socket.binaryType = "arraybuffer";
    return new Promise((resolve) => {
      this.socket.onopen = () => this.socket.send(JSON.stringify({
        type: "config", ...this.choice, encoding: "pcm_s16le", sample_rate: this.context.sampleRate, channels: 1, interim: true,
      }));
      this.socket.onmessage = ({ data }) => this.told(JSON.parse(data), resolve);
      this.socket.onclose = (event) => this.closed(event);
    });
  }

  listen() {
    this.capture = new AudioWorkletNode(this.context, "capture", { channelCount: 1, channelCountMode: "explicit" });
    this.capture.port.onmessage = ({ data }) => (data.ended ? this.sendEnd() : this.sendSound(data));
    this.context.createMediaStreamSource(this.microphone).connect(this.capture);
    this.capture.connect(this.context.destination); // silence; some browsers run only what leads somewhere
  }

  get seconds() {
    return this.samples / this.context.sampleRate;
  }

  sendSound({ sound, level, count }) {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    if (this.socket.bufferedAmount > BEHIND_S * this.context.sampleRate * 2) return void this.fail("behind");
    this.socket.send(sound);
    this.samples += count;
    if (level > 0) this.heardAt = this.seconds;
    this.strip.push(level, this.seconds, this.captions.speaking);
    get("heard").textContent = clock(this.seconds);
    this.say(this.seconds - this.heardAt > SILENT_S ? "noSound" : this.state);
  }

  told(event, ready) {
    if (event.type === "ready") {
      this.listen();
      ready();
    } else if (event.type === "error") {
      this.problem = new Problem(event.error);
      this.stop(); // what was heard before is still told
    } else if (event.type === "done") {
      if (this.state === "finishing") this.over(); // else the server ends it, and says by its code why
    } else {
      this.captions.tell(event);
      if (event.end !== undefined) this.showLatency(this.seconds - event.end);
    }
  }

  showLatency(seconds) {
    get("latency").textContent = seconds < 0.1 ? "< 0.1 s" : `${seconds.toFixed(1)} s`;
  }

  stop() {
    if (this.state !== "listening") return this.over();
    this.show("finishing");
    this.microphone.getTracks().forEach((track) => track.stop());
    this.capture.port.postMessage("end");
    this.timer = setTimeout(() => this.over(), LAST_WORDS_S * 1000);
  }

  sendEnd() {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ type: "end" }));
  }

  async closed({ code, reason }) {
    if (this.state === "over") return;
    const told = this.problem ?? TOLD_BY_CLOSE[code] ?? (reason && new Problem({ code: reason }));
    this.fail(told || (this.state === "connecting" ? await whyRefused("full") : "lost"));
  }

  fail(problem) {
    this.problem = typeof problem === "string" || problem instanceof Problem ? problem : "taken";
    this.over();
  }

  over() {
    if (this.state === "over") return;
    this.show("ended");
    this.state = "over";
    this.release();
    showProblem(get("live-problem"), this.problem);
    this.captions.end();
    this.onEnd();
  }

  release() {
    clearTimeout(this.timer);
    this.microphone?.getTracks().forEach((track) => track.stop());
    this.context?.close();
    this.socket?.close();
  }
}

/** A browser does not say why a socket was refused; the same key at another door does, unless it is `otherwise`. */
async function whyRefused(otherwise) {
  try {
    await ask("v1/models");
    return otherwise;
  } catch (problem) {
    return problem;
  }
}

/** What was said, as it comes: finals stay, the open utterance stands below them with its changeable tail dimmed. */
class Captions {
  constructor() {
    this.finals = [];
    this.offset = 0; // seconds listened to before this session
    this.speaking = false;
    this.box = get("captions");
  }

  tell(event) {
    const atEnd = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 40;
    if (event.type === "speech_start") this.speaking = true;
    else if (event.type === "speech_end") this.speaking = false;
    else if (event.type === "partial") this.showPartial(event);
    else if (event.type === "final") this.addFinal(event);
    else if (event.type === "warning") this.addLine("warning", event.at, event.message);
    get("captions-empty").hidden = true;
    if (atEnd) this.box.scrollTop = this.box.scrollHeight;
  }

  showPartial({ start, text, stable }) {
    const [time, said, tail] = get("partial").querySelectorAll("time, .stable, .tail");
    time.textContent = clock(this.offset + start);
    said.textContent = stable;
    tail.textContent = text.slice(stable.length);
    get("partial").hidden = false;
  }

  addFinal(event) {
    get("partial").hidden = true;
    if (!event.text.trim()) return;
    const shifted = { ...event, start: this.offset + event.start, end: this.offset + event.end };
    shifted.words = event.words?.map((word) => ({ ...word, start: this.offset + word.start, end: this.offset + word.end }));
    this.finals.push(shifted);
    this.addLine("final", event.start, event.text, event.language);
  }

  addLine(kind, at, text, language) {
    const line = Object.assign(document.createElement("li"), { className: kind });
    const said = Object.assign(document.createElement("span"), { textContent: text });
    if (language && language !== "und") said.lang = language;
    line.append(Object.assign(document.createElement("time"), { textContent: clock(this.offset + at) }), " ", said);
    get("finals").append(line);
  }

  end() {
    get("partial").hidden = true;
    this.speaking = false;
    const transcript = () => ({ segments: this.finals, reply: this.finals });
    if (this.finals.length) offerDownloads(get("live-downloads"), "captions", transcript);
  }
}

/** Wire the button; `choice()` gives the model and the language asked for. */
export function setUpLive(choice) {
  const captions = new Captions();
  const button = get("toggle");
  let session = null;

  const showButton = () => {
    button.classList.toggle("on", session !== null);
    button.querySelector("span").textContent = say(session ? "stop" : "start");
    document.body.classList.toggle("listening", session !== null);
  };
  const ended = () => {
    captions.offset += session.context && session.samples ? session.seconds : 0;
    session = null;
    showButton();
  };
  const toggle = () => {
    if (session) return session.stop();
    showProblem(get("live-problem"), null);
    session = new Session(captions, choice(), ended);
    showButton();
    session.start();
  };
  button.addEventListener("click", toggle);
  get("latency").title = say("latencyTip");
  return toggle;
}
