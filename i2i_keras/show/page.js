const form = document.getElementById("choice");
const file = document.getElementById("file");
const record = document.getElementById("record");
const scale = document.getElementById("scale");
const status = document.getElementById("status");
const figures = [...document.querySelectorAll("figure")];
const MOST = Number(form.dataset.most);

let chosen = null; // {name, body} of a file, or {name, record}.
let turn = 0; // Of the last choice; what was begun for an earlier one is left.
let links = [];

function say(text, fault = false) {
  status.textContent = text;
  status.classList.toggle("fault", fault);
}

function clear() {
  links.forEach((link) => URL.revokeObjectURL(link));
  links = [];
  for (const figure of figures) {
    figure.classList.remove("busy");
    figure.querySelector(".frame").replaceChildren();
    figure.querySelector(".told").replaceChildren();
  }
}

async function ask(what, mine) {
  const query = new URLSearchParams({ what, scale: scale.value });
  if (chosen.record) query.set("record", chosen.record);
  for (;;) {
    let answer;
    try {
      answer = await fetch(`make?${query}`, { method: "POST", body: chosen.body });
    } catch {
      return { error: "It could not be sent; choose it again, or start i2i-keras show anew if it has ended." };
    }
    if (answer.status !== 503) return answer.json();
    // What an earlier choice has begun is being ended.
    await new Promise((go) => setTimeout(go, 500));
    if (mine !== turn) return {};
  }
}

function linkTo(picture) {
  const bytes = Uint8Array.from(atob(picture.png), (letter) => letter.charCodeAt(0));
  const link = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  links.push(link);
  return link;
}

function put(figure, made) {
  const told = figure.querySelector(".told");
  told.classList.toggle("fault", Boolean(made.error));
  if (made.error) {
    told.textContent = made.error;
    return;
  }
  const stem = chosen.name.replace(/^.*\//, "").replace(/\.[^.]*$/, "");
  made.pictures.forEach((picture, number) => {
    const url = linkTo(picture);
    if (number === 0) {
      const image = document.createElement("img");
      image.src = url;
      image.width = picture.width;
      image.height = picture.height;
      image.alt = `${chosen.name}: ${figure.querySelector("b").textContent}`;
      figure.querySelector(".frame").replaceChildren(image);
    }
    if (figure.dataset.what === "image") return;
    const link = document.createElement("a");
    link.href = url;
    link.download = `${stem}-${picture.name}`;
    link.textContent = `Download ${picture.name}`;
    told.append(link);
  });
}

async function make() {
  const mine = ++turn;
  clear();
  if (!chosen) return say("Choose an image.");
  let failed = 0;
  for (const [number, figure] of figures.entries()) {
    const title = figure.querySelector("b").textContent;
    say(`${title}, ${number + 1} of ${figures.length} …`);
    figure.classList.add("busy");
    const made = await ask(figure.dataset.what, mine);
    if (mine !== turn) return;
    figure.classList.remove("busy");
    put(figure, made);
    if (!made.error) continue;
    if (number === 0) return say(made.error, true); // Of the image itself.
    failed += 1;
  }
  say(failed ? `Done, but ${failed} failed; see below.` : `Done: ${chosen.name}.`, failed > 0);
}

function take(one) {
  if (record) record.value = "";
  if (one.size > MOST) {
    chosen = null;
    turn += 1;
    clear();
    return say(`${one.name} has more than ${MOST >> 20} MB; make the image smaller.`, true);
  }
  chosen = { name: one.name, body: one };
  make();
}

file.addEventListener("change", () => file.files.length && take(file.files[0]));
record?.addEventListener("change", () => {
  file.value = "";
  chosen = record.value ? { name: record.selectedOptions[0].text, record: record.value } : null;
  make();
});
scale.addEventListener("change", make);
form.addEventListener("submit", (event) => event.preventDefault());

document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dropping");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  const [dropped] = event.dataTransfer.files;
  const isFolder = event.dataTransfer.items[0]?.webkitGetAsEntry?.()?.isDirectory;
  if (!dropped || isFolder) return say("What was dropped is no file; drop an image file.", true);
  file.value = "";
  take(dropped);
});
