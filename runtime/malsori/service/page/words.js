// What the page says, in English and Korean; the English stands in the page itself too, for readers of its source.

const ENGLISH = {
  settings: "Settings", tabs: "What to hear", captions: "Captions", finals: "What was said",
  model: "Model", language: "Language", detect: "as spoken", key: "Key", keyLabel: "API key of this server", keyUse: "Use",
  keyNote: "Kept in this tab only, until it is closed.",
  tabLive: "Speak", tabFiles: "Files", start: "Start", stop: "Stop", heard: "Heard", latency: "Behind",
  latencyTip: "How far the newest text was behind the sound when it arrived, the pause at the end of a sentence included",
  liveEmpty: "Press the button and speak. The words appear here while they are said.",
  asking: "Waiting for the microphone. The browser may ask you to allow it.", connecting: "Connecting.",
  listening: "Listening.", keysStop: "Ctrl+Enter stops.", finishing: "Finishing the last words.", ended: "Stopped.",
  noSound: "No sound arrives from the microphone.", noSoundNext: "Is it muted, or is another one chosen? Press Start to go on.",
  longSession: "The server ends a session of this length.", longSessionNext: "Press Start to go on.",
  drop: "Drop sound or video files here", dropOr: "or choose them. They go to this server and nowhere else.",
  cancel: "Cancel", cancelled: "Cancelled.", again: "Try again", remove: "Remove", waiting: "Waiting for its turn.",
  sending: "Sending: {percent} %", hearing: "Being heard for {time}.", busyWait: "The server is busy. Next try in {seconds} s.",
  play: "Play", pause: "Pause", position: "Position in {name}", of: "{at} of {all}", text: "Text of {name}",
  wordsHint: "Choose a word to hear it. Arrow keys go from word to word.",
  playFrom: "Hear from {at}", nothing: "No words were heard in this recording.",
  download: "Download", copy: "Copy", copied: "Copied.",
  facts: "{length} · {language} · heard in {took}", cannotPlay: "This browser cannot play this kind of file. The text is complete all the same.",
  noMicrophone: "No microphone was found.", noMicrophoneNext: "Plug one in, or choose one in the settings of your system, then press Start again.",
  denied: "The microphone is not allowed for this page.",
  deniedNext: "Allow it by the symbol beside the address, then press Start again.",
  insecure: "The browser gives no microphone to this address, because it is not secure.",
  insecureNext: "On the server's own computer open http://127.0.0.1; from elsewhere it needs https. Files can be sent all the same.",
  taken: "The microphone could not be opened.", takenNext: "Another program may be using it. Close that one, then press Start again.",
  old: "This browser is too old for live captions.", oldNext: "Update it, or send files.",
  offline: "The server cannot be reached.", offlineNext: "See whether it is running (malsori serve), then try again.",
  wantsKey: "This server wants a key.", wantsKeyNext: "Give it above; whoever runs the server knows it.",
  full: "The server is busy with others.", fullNext: "Try again in a minute.",
  tooLarge: "This file is too large for the server.", tooLargeNext: "At most {most} are taken. Send a part of it, or compress it.",
  tooLong: "This recording is too long for the server.", tooLongNext: "Send it in parts.",
  unreadable: "This file could not be read as sound.", unreadableNext: "Does it play elsewhere? Convert it to WAV, MP3 or FLAC, or choose another.",
  tooShort: "There is no sound in this file.", tooShortNext: "Choose another.",
  noModel: "The server no longer has this model.", noModelNext: "Choose another above.",
  badLanguage: "This model does not know this language.", badLanguageNext: "Choose another language, or “as spoken”.",
  starting: "The server is not ready yet.", startingNext: "Try again in a minute.",
  tooSlow: "The server took too long.", tooSlowNext: "Try again later, or send a shorter recording.",
  behind: "The sound did not reach the server fast enough.", behindNext: "What was heard so far is kept. Try again on a better connection.",
  refused: "The server refused this.", refusedNext: "It says why below.",
  broken: "Something failed in the server.", brokenNext: "Try again; its log says more.",
  lost: "The connection to the server was lost.", lostNext: "What was heard so far is kept. Press Start to go on.",
  leaving: "The server is shutting down.", leavingNext: "What was heard so far is kept. Try again in a minute.",
};

const KOREAN = {
  settings: "설정", tabs: "무엇을 들을까요", captions: "자막", finals: "말한 내용",
  model: "모델", language: "언어", detect: "자동", key: "키", keyLabel: "이 서버의 API 키", keyUse: "사용",
  keyNote: "이 탭에만 보관하고, 탭을 닫으면 지워집니다.",
  tabLive: "말하기", tabFiles: "파일", start: "시작", stop: "멈춤", heard: "들은 시간", latency: "지연",
  latencyTip: "가장 새로운 글이 도착했을 때 소리보다 늦은 시간. 문장 끝의 쉼도 포함합니다",
  liveEmpty: "버튼을 누르고 말씀하세요. 말하는 동안 여기에 글이 나타납니다.",
  asking: "마이크를 기다립니다. 브라우저가 허용할지 물을 수 있습니다.", connecting: "연결하는 중입니다.",
  listening: "듣고 있습니다.", keysStop: "Ctrl+Enter로 멈춥니다.", finishing: "마지막 말을 정리하는 중입니다.", ended: "멈췄습니다.",
  noSound: "마이크에서 소리가 오지 않습니다.", noSoundNext: "음소거되었거나 다른 마이크가 선택되었나요? 시작을 누르면 이어집니다.",
  longSession: "서버가 이만큼 긴 듣기를 끝냈습니다.", longSessionNext: "시작을 누르면 이어집니다.",
  drop: "소리나 영상 파일을 여기에 놓으세요", dropOr: "또는 눌러서 고르세요. 파일은 이 서버로만 갑니다.",
  cancel: "취소", cancelled: "취소했습니다.", again: "다시 시도", remove: "지우기", waiting: "차례를 기다립니다.",
  sending: "보내는 중: {percent} %", hearing: "듣는 중, {time}.", busyWait: "서버가 바쁩니다. {seconds}초 뒤에 다시 시도합니다.",
  play: "재생", pause: "일시 정지", position: "{name}의 위치", of: "{all} 중 {at}", text: "{name}의 글",
  wordsHint: "낱말을 고르면 그 소리를 들려줍니다. 화살표 키로 낱말을 옮겨 갑니다.",
  playFrom: "{at}부터 듣기", nothing: "이 녹음에서 말이 들리지 않았습니다.",
  download: "내려받기", copy: "복사", copied: "복사했습니다.",
  facts: "{length} · {language} · {took} 만에 들음", cannotPlay: "이 브라우저는 이런 파일을 재생하지 못합니다. 글은 온전합니다.",
  noMicrophone: "마이크를 찾지 못했습니다.", noMicrophoneNext: "마이크를 꽂거나 시스템 설정에서 고른 뒤 시작을 다시 누르세요.",
  denied: "이 페이지에는 마이크가 허용되지 않았습니다.",
  deniedNext: "주소 옆의 표시에서 허용한 뒤 시작을 다시 누르세요.",
  insecure: "이 주소는 안전하지 않아 브라우저가 마이크를 주지 않습니다.",
  insecureNext: "서버가 있는 컴퓨터에서는 http://127.0.0.1 을 여세요. 다른 곳에서는 https가 필요합니다. 파일은 그대로 보낼 수 있습니다.",
  taken: "마이크를 열지 못했습니다.", takenNext: "다른 프로그램이 쓰고 있을 수 있습니다. 그것을 닫고 시작을 다시 누르세요.",
  old: "이 브라우저는 실시간 자막에는 너무 오래되었습니다.", oldNext: "업데이트하거나 파일을 보내세요.",
  offline: "서버에 닿지 않습니다.", offlineNext: "서버(malsori serve)가 켜져 있는지 보고 다시 시도하세요.",
  wantsKey: "이 서버는 키가 필요합니다.", wantsKeyNext: "위에 넣어 주세요. 서버를 운영하는 사람이 알고 있습니다.",
  full: "서버가 다른 사람들로 바쁩니다.", fullNext: "1분 뒤에 다시 시도하세요.",
  tooLarge: "이 파일은 서버에 너무 큽니다.", tooLargeNext: "{most}까지 받습니다. 일부만 보내거나 압축하세요.",
  tooLong: "이 녹음은 서버에 너무 깁니다.", tooLongNext: "나누어 보내세요.",
  unreadable: "이 파일을 소리로 읽지 못했습니다.", unreadableNext: "다른 곳에서 재생되나요? WAV, MP3, FLAC으로 바꾸거나 다른 파일을 고르세요.",
  tooShort: "이 파일에는 소리가 없습니다.", tooShortNext: "다른 파일을 고르세요.",
  noModel: "서버에 이 모델이 더는 없습니다.", noModelNext: "위에서 다른 모델을 고르세요.",
  badLanguage: "이 모델은 이 언어를 모릅니다.", badLanguageNext: "다른 언어나 “자동”을 고르세요.",
  starting: "서버가 아직 준비되지 않았습니다.", startingNext: "1분 뒤에 다시 시도하세요.",
  tooSlow: "서버가 너무 오래 걸렸습니다.", tooSlowNext: "나중에 다시 시도하거나 더 짧은 녹음을 보내세요.",
  behind: "소리가 서버에 제때 닿지 못했습니다.", behindNext: "들은 내용은 남아 있습니다. 더 나은 연결에서 다시 시도하세요.",
  refused: "서버가 거절했습니다.", refusedNext: "까닭은 아래에 있습니다.",
  broken: "서버에서 문제가 생겼습니다.", brokenNext: "다시 시도하세요. 서버의 기록에 더 자세히 있습니다.",
  lost: "서버와 연결이 끊겼습니다.", lostNext: "들은 내용은 남아 있습니다. 시작을 누르면 이어집니다.",
  leaving: "서버가 꺼지는 중입니다.", leavingNext: "들은 내용은 남아 있습니다. 1분 뒤에 다시 시도하세요.",
};

export const LOCALE = navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en";
const TEXTS = LOCALE === "ko" ? KOREAN : ENGLISH;

/** The text of `name`, with `{value}` filled in. */
export function say(name, values = {}) {
  return TEXTS[name].replace(/\{(\w+)\}/g, (_, value) => values[value]);
}

/** Put the reader's language into all that is marked by `data-text` (content) or `data-label` (accessible name). */
export function translate(root) {
  for (const each of root.querySelectorAll("[data-text]")) each.textContent = say(each.dataset.text);
  for (const each of root.querySelectorAll("[data-label]")) each.setAttribute("aria-label", say(each.dataset.label));
}

/** Seconds as people read them: 0:07, 12:30, 1:02:03. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60].map(String);
  const [hours, minutes, rest] = parts;
  return hours === "0" ? `${minutes}:${rest.padStart(2, "0")}` : `${hours}:${minutes.padStart(2, "0")}:${rest.padStart(2, "0")}`;
}

/** Bytes as people read them. */
export function size(bytes) {
  const unit = bytes >= 2 ** 20 ? 2 ** 20 : 2 ** 10;
  return `${new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 1 }).format(bytes / unit)} ${unit === 2 ** 20 ? "MiB" : "KiB"}`;
}

// Those that Whisper knows; a model that knows fewer says so.
export const LANGUAGES = ("af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it "
  + "ja jv ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te "
  + "tg th tk tl tr tt uk ur uz vi yi yo yue zh").split(" ");
const ENGLISH_NAMES = new Intl.DisplayNames(["en"], { type: "language" });
const NAMES = new Intl.DisplayNames([LOCALE], { type: "language" });

/** The code of a language by its code or its English name, as a server may say either; an empty text where it is neither. */
export function languageCode(language) {
  const named = LANGUAGES.find((code) => ENGLISH_NAMES.of(code).toLowerCase() === language.toLowerCase());
  return named ?? (LANGUAGES.includes(language) ? language : "");
}

/** The name of a language in the reader's own. */
export function languageName(language) {
  const code = languageCode(language);
  return code ? NAMES.of(code) : language;
}
