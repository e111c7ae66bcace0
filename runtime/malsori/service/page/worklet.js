// Where sound is captured: makes 16-bit samples of one channel and hands them on in pieces of 40 ms, with their level.

const PIECE_S = 0.04;

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.begin();
    this.open = true;
    this.port.onmessage = () => { // the page asks for the end: the rest goes out first
      this.handOn();
      this.port.postMessage({ ended: true });
      this.open = false;
    };
  }

  begin() {
    this.samples = new Int16Array(Math.round(sampleRate * PIECE_S));
    this.count = 0;
    this.energy = 0;
  }

  handOn() {
    if (this.count === 0) return;
    const level = Math.sqrt(this.energy / this.count);
    const sound = this.samples.slice(0, this.count).buffer;
    this.port.postMessage({ sound, level, count: this.count }, [sound]);
    this.begin();
  }

  process([input]) {
    if (!this.open) return false;
    for (const value of input[0] ?? []) {
      this.energy += value * value;
      this.samples[this.count++] = Math.max(-32768, Math.min(32767, Math.round(value * 32768)));
      if (this.count === this.samples.length) this.handOn();
    }
    return true;
  }
}

registerProcessor("capture", Capture);
