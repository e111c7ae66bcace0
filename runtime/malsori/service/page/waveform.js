// Sound as a picture: the level of a microphone as it comes, and a whole file with its speech and the place that plays.

import { clock, say } from "./words.js";

const FLOOR_DB = -60; // what is quieter has no height
const HEAR_RATE = 8000; // Hz, of the samples that a picture is made of
const LONGEST_S = 3600; // a longer file is not unpacked for its picture: an hour takes some 250 MB

const reduced = matchMedia("(prefers-reduced-motion: reduce)");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
const height = (level) => Math.max(0, 1 - 20 * Math.log10(level + 1e-9) / FLOOR_DB);

/** Give a canvas the pixels of its screen; returns its context, width and height in CSS pixels. */
function prepared(canvas) {
  const { clientWidth, clientHeight } = canvas;
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(clientWidth * ratio);
  canvas.height = Math.round(clientHeight * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return [context, clientWidth, clientHeight];
}

function bar(context, x, width, tall, all) {
  const drawn = Math.max(2, tall * all);
  context.beginPath();
  context.roundRect(x, (all - drawn) / 2, width, drawn, width / 2);
  context.fill();
}

/** The last seconds of a microphone as bars, speech in colour; one bar that grows where motion is unwelcome. */
export class LevelStrip {
  constructor(canvas) {
    this.canvas = canvas;
    this.bars = [];
  }

  push(level, at, speaking) {
    this.bars.push({ tall: height(level), speaking });
    const [context, wide, tall] = prepared(this.canvas);
    if (!wide) return;
    if (reduced.matches) {
      context.fillStyle = colour(speaking ? "--accent" : "--line");
      context.fillRect(0, tall / 2 - 3, wide * this.bars.pop().tall, 6);
      return;
    }
    const step = 4;
    this.bars = this.bars.slice(-Math.ceil(wide / step));
    this.bars.forEach((each, index) => {
      context.fillStyle = colour(each.speaking ? "--accent" : "--line");
      bar(context, wide - (this.bars.length - index) * step, 2.5, each.tall, tall);
    });
  }
}

/** The loudest sample of each of `count` equal parts of a file, or null where the browser cannot read it. */
export async function peaksOf(file, duration, count) {
  if (!(duration <= LONGEST_S)) return null;
  try {
    const sound = await new OfflineAudioContext(1, 1, HEAR_RATE).decodeAudioData(await file.arrayBuffer());
    const samples = sound.getChannelData(0);
    const peaks = new Float32Array(count);
    for (let index = 0; index < samples.length; index++) {
      const part = Math.min(count - 1, Math.floor(index / HEAR_RATE / duration * count));
      peaks[part] = Math.max(peaks[part], Math.abs(samples[index]));
    }
    return peaks;
  } catch {
    return null;
  }
}

/** Speech without its pauses: neighbouring words, or segments where there are none, joined over half a second. */
export function stretchesOf(segments) {
  const parts = segments.flatMap((segment) => (segment.words?.length ? segment.words : [segment]));
  const stretches = [];
  for (const { start, end } of parts) {
    const last = stretches[stretches.length - 1];
    if (last && start - last.end < 0.5) last.end = Math.max(last.end, end);
    else stretches.push({ start, end });
  }
  return stretches;
}

/** The picture of a file, and a slider: a click or the arrow keys choose the place that plays. */
export class Waveform {
  constructor(canvas, name, duration, stretches, onSeek) {
    Object.assign(this, { canvas, duration, stretches, onSeek, peaks: null, at: 0 });
    canvas.setAttribute("aria-label", say("position", { name }));
    canvas.setAttribute("aria-valuemax", duration.toFixed(1));
    canvas.addEventListener("pointerdown", (event) => onSeek(event.offsetX / canvas.clientWidth * duration));
    canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.show(0);
  }

  key(event) {
    const steps = { ArrowLeft: this.at - 2, ArrowRight: this.at + 2, PageUp: this.at + 15, PageDown: this.at - 15, Home: 0, End: this.duration };
    if (!(event.key in steps)) return;
    event.preventDefault();
    this.onSeek(Math.max(0, Math.min(this.duration, steps[event.key])));
  }

  show(at) {
    this.at = at;
    this.canvas.setAttribute("aria-valuenow", at.toFixed(1));
    this.canvas.setAttribute("aria-valuetext", say("of", { at: clock(at), all: clock(this.duration) }));
    this.draw();
  }

  draw() {
    const [context, wide, tall] = prepared(this.canvas);
    if (!wide) return;
    const scale = wide / this.duration;
    context.fillStyle = colour("--speech");
    for (const { start, end } of this.stretches) {
      context.beginPath();
      context.roundRect(start * scale, 0, Math.max(2, (end - start) * scale), tall, 4);
      context.fill();
    }
    this.drawPeaks(context, wide, tall);
    context.fillStyle = colour("--ink");
    context.fillRect(Math.min(wide - 2, this.at * scale), 0, 2, tall);
  }

  drawPeaks(context, wide, tall) {
    const step = 4;
    for (let x = 0; x < wide; x += step) {
      const from = Math.floor(x / wide * (this.peaks?.length ?? 0));
      const upTo = Math.max(from + 1, Math.floor((x + step) / wide * (this.peaks?.length ?? 0)));
      const peak = this.peaks ? Math.max(0, ...this.peaks.subarray(from, upTo)) : 0;
      const time = x / wide * this.duration;
      const spoken = this.stretches.some(({ start, end }) => start <= time && time <= end);
      context.fillStyle = colour(time < this.at || spoken ? "--accent" : "--line");
      context.globalAlpha = time < this.at ? 1 : 0.6;
      bar(context, x, 2.5, Math.sqrt(peak) * 0.9, tall);
    }
    context.globalAlpha = 1;
  }
}
