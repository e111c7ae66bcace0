// The page as a whole: its language, tabs, choices and key. What each tab does is in `live.js` and `files.js`.

import { hear } from "./files.js";
import { setUpLive } from "./live.js";
import { ask, keepKey, key, learnLimits, showProblem } from "./server.js";
import { languageName, LANGUAGES, LOCALE, say, translate } from "./words.js";

const get = (id) => document.getElementById(id);
const TABS = ["live", "files"];

function choice() {
  return { ...(get("model").value && { model: get("model").value }), ...(get("language").value && { language: get("language").value }) };
}

function option(value, text) {
  return Object.assign(document.createElement("option"), { value, textContent: text });
}

let models = [];

/** Offer the languages of the chosen model; all where the server does not say which it knows. */
function listLanguages() {
  const before = get("language").value;
  const known = models.find(({ id }) => id === get("model").value)?.languages;
  const named = (known?.length ? known : LANGUAGES).map((code) => option(code, languageName(code)));
  named.sort((one, other) => one.textContent.localeCompare(other.textContent, LOCALE));
  get("language").replaceChildren(option("", say("detect")), ...named);
  if (named.some(({ value }) => value === before)) get("language").value = before;
}

async function listModels() {
  try {
    models = (await ask("v1/models")).data;
    const before = get("model").value;
    get("model").replaceChildren(...models.map(({ id }) => option(id, id)));
    if (models.some(({ id }) => id === before)) get("model").value = before;
    listLanguages();
    showProblem(get("notice"), null);
    learnLimits();
  } catch (problem) {
    showProblem(get("notice"), problem);
  }
}

function chooseTab(name, focus) {
  for (const each of TABS) {
    const chosen = each === name;
    get(each).hidden = !chosen;
    get(`tab-${each}`).setAttribute("aria-selected", chosen);
    get(`tab-${each}`).tabIndex = chosen ? 0 : -1;
    if (chosen && focus) get(`tab-${each}`).focus();
  }
  document.body.dataset.tab = name;
  history.replaceState(null, "", name === TABS[0] ? " " : `#${name}`);
}

function setUpTabs() {
  for (const [index, name] of TABS.entries()) {
    get(`tab-${name}`).addEventListener("click", () => chooseTab(name));
    get(`tab-${name}`).addEventListener("keydown", ({ key: pressed }) => {
      const other = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: TABS.length - 1 }[pressed];
      if (other !== undefined) chooseTab(TABS[(other + TABS.length) % TABS.length], true);
    });
  }
  chooseTab(location.hash === "#files" ? "files" : "live");
}

function openKey(open) {
  get("key-form").hidden = !open;
  get("key-open").setAttribute("aria-expanded", open);
  if (open) get("key").focus();
}

function setUpKey() {
  get("key").value = key();
  get("key-open").addEventListener("click", () => openKey(get("key-form").hidden));
  get("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    keepKey(get("key").value.trim());
    openKey(false);
    get("key-open").focus();
    listModels();
  });
  document.addEventListener("wants-key", () => openKey(true));
}

function take(files) {
  chooseTab("files");
  hear(files, choice);
}

function setUpDrop() {
  get("choose").addEventListener("change", ({ target }) => {
    take([...target.files]);
    target.value = ""; // so that the same file can be chosen again
  });
  const over = (is) => document.body.classList.toggle("over", is);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    over(true);
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget ?? over(false));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    if (event.dataTransfer.files.length) take([...event.dataTransfer.files]);
  });
}

document.documentElement.lang = LOCALE;
translate(document);
listLanguages();
setUpTabs();
setUpKey();
setUpDrop();
const toggle = setUpLive(choice);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.ctrlKey || event.repeat) return;
  event.preventDefault();
  chooseTab("live");
  toggle();
});
get("model").addEventListener("change", listLanguages);
get("settings").addEventListener("submit", (event) => event.preventDefault());
listModels();
