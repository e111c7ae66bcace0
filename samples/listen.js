// Plays a WAV file of 16 bits to `malsori serve` as if it were spoken now, and prints what is heard. Node 22 or newer:
//
//     node samples/listen.js samples/korean.wav [ws://127.0.0.1:8000/v1/listen]
//
// In a browser the same socket takes what an AudioWorklet gives: floats, with encoding "pcm_f32le".

const fs = require("node:fs");

const [path, url = "ws://127.0.0.1:8000/v1/listen"] = process.argv.slice(2);
if (!path) {
  console.error("usage: node samples/listen.js FILE.wav [URL]");
  process.exit(2);
}
const file = fs.readFileSync(path);
const channels = file.readUInt16LE(22);
const rate = file.readUInt32LE(24);
const sound = file.subarray(file.indexOf("data") + 8);
const block = 2 * channels * Math.floor(rate / 10); // 0.1 s

const socket = new WebSocket(url);
socket.onopen = () => socket.send(JSON.stringify({ type: "config", sample_rate: rate, channels }));
socket.onmessage = ({ data }) => {
  const event = JSON.parse(data);
  if (event.type === "ready") play(0);
  if (event.type === "final") console.log(event.text);
  if (event.type === "partial") process.stderr.write(`${event.text}\r`);
  if (event.type === "warning" || event.type === "error") console.error(event);
};
socket.onerror = () => {
  console.error(`no connection to ${url}: malsori serve listens there, or a key is needed`);
  process.exitCode = 1;
};
socket.onclose = ({ code }) => process.exit(code === 1000 ? 0 : 1);

function play(start) {
  if (start >= sound.length) return socket.send(JSON.stringify({ type: "end" }));
  socket.send(sound.subarray(start, start + block));
  setTimeout(play, 100, start + block);
}
