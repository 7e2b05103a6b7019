// A slider between two layers of an image: pictures, labels, predictions, errors.
"use strict";
(() => {
  const IGNORED = 255;
  const BLACK = [0, 0, 0], RIGHT = [208, 215, 222], WRONG = [213, 94, 0];
  const FADED = 0.82; // How much of a color is gone where another class is looked at.
  const CHOICES = ["Best", "Median", "Worst"]; // In the order of `data.apart`.

  async function decodeLabel(packed) {
    const bytes = Uint8Array.from(atob(packed.zlib), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const values = new Uint8Array(await new Response(stream).arrayBuffer());
    return { width: packed.width, height: packed.height, values };
  }

  async function decodePicture(url) {
    const image = new Image();
    image.src = url;
    await image.decode();
    return image;
  }

  // One number a pixel, as the bytes of an image hold it; written as bytes once.
  function pack(color, faded) {
    const shown = color.map((part) => (faded ? part * (1 - FADED) + 235 * FADED : part));
    return new Uint32Array(new Uint8ClampedArray([...shown, 255]).buffer)[0];
  }

  function paint(canvas, width, height, colorAt) {
    const pixels = new Uint32Array(width * height);
    for (let place = 0; place < pixels.length; place++) pixels[place] = colorAt(place);
    canvas.width = width;
    canvas.height = height;
    const bytes = new Uint8ClampedArray(pixels.buffer);
    canvas.getContext("2d").putImageData(new ImageData(bytes, width, height), 0, 0);
  }

  function choice(name, options) {
    const list = element("select");
    for (const [key, text] of options) list.append(element("option", { value: key }, text));
    return [element("label", {}, name, list), list];
  }

  const percent = (score) => `${(100 * score).toFixed(1)}%`;

  class Viewer {
    constructor(stage, data, title) {
      this.stage = stage;
      this.data = data;
      this.kinds = Object.fromEntries(data.layers.map((layer) => [layer.key, layer]));
      this.decoded = new Map();
      this.current = {}; // Layers of the image that is shown, decoded.
      this.turn = 0;
      this.pinned = this.pointed = null; // Classes of the legend.
      this.build(title);
      this.rankBy();
      this.show();
    }

    get item() {
      return this.data.items[Number(this.images.value)];
    }

    build(title) {
      const named = this.data.layers.map((layer) => [layer.key, layer.title]);
      const items = this.data.items.map((item, place) => [place, item.name]);
      const [imageLabel, images] = choice("Image", items);
      const [leftLabel, left] = choice("Left", named);
      const [rightLabel, right] = choice("Right", named);
      Object.assign(this, { images, left, right });
      left.value = this.data.left;
      right.value = this.data.right;
      for (const list of [images, left, right]) list.addEventListener("change", () => this.show());

      this.controls = element("div", { class: "controls" }, imageLabel, leftLabel, rightLabel);
      this.canvases = [element("canvas", { role: "img" }), element("canvas", { role: "img" })];
      this.slider = element("input", { type: "range", min: 0, max: 100, value: 50, step: 1 });
      this.slider.setAttribute("aria-label", `${title}: from left to right`);
      this.slider.addEventListener("input", () => this.slide());
      this.slider.addEventListener("pointermove", (event) => this.tell(event));
      const line = element("span", { class: "line" });
      this.compare = element("div", { class: "compare" }, ...this.canvases, line, this.slider);
      this.ends = [element("span"), element("span")];
      this.readout = element("output", { class: "readout" });
      this.legend = element("ul", { class: "legend" });
      const sides = element("div", { class: "ends-named" }, ...this.ends);
      this.stage.append(this.controls, this.compare, sides, this.readout, this.legend);
    }

    // The list and the buttons that choose an image by its score.
    rankBy() {
      const scored = this.data.layers.filter((layer) => layer.key in this.data.apart);
      if (!scored.length) return;
      const names = scored.map((layer) => [layer.key, layer.title]);
      const [label, ranks] = choice("Ranked by mean IoU of", names);
      if (this.data.right in this.data.apart) ranks.value = this.data.right;
      this.controls.append(label);
      const name = () => this.data.items.forEach((item, place) => {
        const score = item.scores[ranks.value];
        const text = score === undefined ? item.name : `${item.name}, ${percent(score)}`;
        this.images.options[place].textContent = text;
      });
      const pick = (which) => { this.images.value = this.data.apart[ranks.value][which]; };
      CHOICES.forEach((text, which) => {
        const button = element("button", { type: "button" }, text);
        button.addEventListener("click", () => {
          pick(which);
          this.right.value = ranks.value;
          this.show();
        });
        this.controls.append(button);
      });
      ranks.addEventListener("change", name);
      name();
      pick(CHOICES.indexOf("Median")); // What it mostly looks like.
    }

    // Of some images only some arms' predictions are kept.
    offer() {
      for (const list of [this.left, this.right]) {
        for (const option of list.options) {
          const layer = this.kinds[option.value];
          option.disabled = !((layer.of ?? layer.key) in this.item.layers);
        }
        if (!list.selectedOptions[0].disabled) continue;
        list.value = list === this.right && this.kinds.truth ? "truth" : "image";
      }
    }

    load(item, key) {
      const id = `${item.name}/${key}`;
      if (!this.decoded.has(id)) {
        const decode = this.kinds[key].kind === "picture" ? decodePicture : decodeLabel;
        this.decoded.set(id, decode(item.layers[key]));
      }
      return this.decoded.get(id);
    }

    async show() {
      const own = ++this.turn, item = this.item;
      this.offer();
      const shown = [this.left.value, this.right.value];
      const keys = new Set(shown.map((key) => this.kinds[key].of ?? key));
      if (this.kinds.truth) keys.add("truth");
      const pairs = [...keys].map(async (key) => [key, await this.load(item, key)]);
      const found = Object.fromEntries(await Promise.all(pairs));
      if (own !== this.turn) return; // Another one was asked for meanwhile.
      this.current = found;
      shown.forEach((key, side) => {
        const layer = this.kinds[key], score = item.scores[layer.of ?? key];
        const told = score === undefined ? "" : `, ${percent(score)} mean IoU`;
        this.ends[side].textContent = layer.title + told;
      });
      this.readout.textContent = "";
      this.listClasses();
      this.redraw();
      this.stage.dataset.shown = [item.name, ...shown].join(" ");
    }

    redraw() {
      this.draw(this.canvases[0], this.left.value);
      this.draw(this.canvases[1], this.right.value);
      this.slide();
    }

    draw(canvas, key) {
      const layer = this.kinds[key];
      canvas.setAttribute("aria-label", `${layer.title}, ${this.item.name}`);
      canvas.classList.toggle("crisp", layer.kind !== "picture");
      if (layer.kind === "label") this.drawLabel(canvas, this.current[key]);
      else if (layer.kind === "error") this.drawErrors(canvas, this.current[layer.of]);
      else {
        const image = this.current[key];
        canvas.width = image.naturalWidth;
        canvas.height = image.naturalHeight;
        canvas.getContext("2d").drawImage(image, 0, 0);
      }
    }

    drawLabel(canvas, label) {
      const only = this.pointed ?? this.pinned;
      const colors = Uint32Array.from({ length: 256 }, (_, value) =>
        pack(this.data.classes[value]?.color ?? BLACK, only !== null && value !== only));
      paint(canvas, label.width, label.height, (place) => colors[label.values[place]]);
    }

    drawErrors(canvas, found) {
      const truth = this.current.truth, only = this.pointed ?? this.pinned;
      const [black, right, wrong] = [BLACK, RIGHT, WRONG].map((color) =>
        [pack(color, false), pack(color, true)]);
      paint(canvas, truth.width, truth.height, (place) => {
        const one = truth.values[place], other = found.values[place];
        const faded = only !== null && one !== only && other !== only;
        return (one === IGNORED ? black : one === other ? right : wrong)[Number(faded)];
      });
    }

    slide() {
      const at = this.slider.value;
      const [left, right] = [this.left, this.right].map((list) => this.kinds[list.value].title);
      this.compare.style.setProperty("--at", `${at}%`);
      this.slider.setAttribute("aria-valuetext", `${at}% ${left}, the rest ${right}`);
    }

    labels() {
      return Object.entries(this.current).filter(([key]) => this.kinds[key].kind === "label");
    }

    // The classes at the pointer.
    tell(event) {
      const box = this.slider.getBoundingClientRect();
      const across = (event.clientX - box.left) / box.width;
      const down = (event.clientY - box.top) / box.height;
      this.readout.textContent = this.labels().map(([key, label]) => {
        const row = Math.floor(down * label.height), column = Math.floor(across * label.width);
        const value = label.values[row * label.width + column];
        return `${this.kinds[key].title}: ${this.data.classes[value]?.name ?? "ignored"}`;
      }).join(" · ");
    }

    // The classes that are seen; one that is pointed at or pinned is highlighted.
    listClasses() {
      const seen = new Set(this.labels().flatMap(([, label]) => [...new Set(label.values)]));
      this.legend.replaceChildren();
      this.data.classes.forEach((one, value) => {
        if (seen.has(value)) this.legend.append(element("li", {}, this.classButton(one, value)));
      });
    }

    classButton(one, value) {
      const swatch = element("i", { style: `background:rgb(${one.color.join(",")})` });
      const pressed = { type: "button", "aria-pressed": value === this.pinned };
      const button = element("button", pressed, swatch, one.name);
      const point = (pointed) => { this.pointed = pointed; this.redraw(); };
      button.addEventListener("pointerenter", () => point(value));
      button.addEventListener("pointerleave", () => point(null));
      button.addEventListener("click", () => {
        this.pinned = this.pinned === value ? null : value;
        for (const other of this.legend.querySelectorAll("button")) {
          other.setAttribute("aria-pressed", other === button && this.pinned !== null);
        }
        this.redraw();
      });
      return button;
    }
  }

  showWidgets("viewer", (stage, data, title) => new Viewer(stage, data, title));
})();
