// A slider between two layers of an image: pictures, labels, predictions, errors.
"use strict";
(() => {
  const IGNORED = 255;
  const RIGHT = [208, 215, 222], WRONG = [213, 94, 0], FADED = 0.82;

  const decodeLabel = async (packed) => {
    const bytes = Uint8Array.from(atob(packed.zlib), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const values = new Uint8Array(await new Response(stream).arrayBuffer());
    return { width: packed.width, height: packed.height, values };
  };
  const decodePicture = async (url) => {
    const image = new Image();
    image.src = url;
    await image.decode();
    return image;
  };

  const paint = (canvas, width, height, colorAt) => {
    canvas.width = width;
    canvas.height = height;
    const pixels = new ImageData(width, height);
    for (let place = 0; place < width * height; place++) {
      const [color, faded] = colorAt(place);
      for (let part = 0; part < 3; part++) {
        pixels.data[4 * place + part] = faded ? color[part] * (1 - FADED) + 235 * FADED : color[part];
      }
      pixels.data[4 * place + 3] = 255;
    }
    canvas.getContext("2d").putImageData(pixels, 0, 0);
  };

  const choice = (name, options, value) => {
    const list = element("select");
    for (const [key, text] of options) list.append(element("option", { value: key }, text));
    if (value !== undefined) list.value = value;
    return [element("label", {}, name, list), list];
  };

  showWidgets("viewer", (stage, data, title) => {
    const kinds = Object.fromEntries(data.layers.map((layer) => [layer.key, layer]));
    const black = [0, 0, 0];
    const decoded = new Map();
    const load = (item, key) => {
      const id = `${item.name}/${key}`;
      if (!decoded.has(id)) {
        const decode = kinds[key].kind === "picture" ? decodePicture : decodeLabel;
        decoded.set(id, decode(item.layers[key]));
      }
      return decoded.get(id);
    };

    const percent = (score) => `${(100 * score).toFixed(1)}%`;
    const named = data.layers.map((layer) => [layer.key, layer.title]);
    const scored = data.layers.filter((layer) => layer.key in data.apart);
    const [imageLabel, images] = choice("Image", data.items.map((item, place) => [place, item.name]));
    const [leftLabel, left] = choice("Left", named, data.left);
    const [rightLabel, right] = choice("Right", named, data.right);
    const controls = element("div", { class: "controls" }, imageLabel, leftLabel, rightLabel);

    const canvases = [element("canvas", { role: "img" }), element("canvas", { role: "img" })];
    const slider = element("input", { type: "range", min: 0, max: 100, value: 50, step: 1 });
    slider.setAttribute("aria-label", `${title}: from left to right`);
    const compare = element("div", { class: "compare" }, ...canvases, element("span", { class: "line" }), slider);
    const ends = element("div", { class: "ends-named" }, element("span"), element("span"));
    const readout = element("output", { class: "readout" });
    const legend = element("ul", { class: "legend" });
    stage.append(controls, compare, ends, readout, legend);

    let pinned = null, pointed = null, current = {}, turn = 0;
    const item = () => data.items[Number(images.value)];

    const slide = () => {
      compare.style.setProperty("--at", `${slider.value}%`);
      slider.setAttribute("aria-valuetext",
        `${slider.value}% ${kinds[left.value].title}, the rest ${kinds[right.value].title}`);
    };
    const drawLayer = (canvas, key) => {
      const layer = kinds[key], only = pointed ?? pinned;
      canvas.setAttribute("aria-label", `${layer.title}, ${item().name}`);
      canvas.classList.toggle("crisp", layer.kind !== "picture");
      if (layer.kind === "picture") {
        const image = current[key];
        canvas.width = image.naturalWidth;
        canvas.height = image.naturalHeight;
        canvas.getContext("2d").drawImage(image, 0, 0);
      } else if (layer.kind === "label") {
        const label = current[key];
        paint(canvas, label.width, label.height, (place) => {
          const value = label.values[place];
          return [data.classes[value]?.color ?? black, only !== null && value !== only];
        });
      } else {
        const truth = current.truth, found = current[layer.of];
        paint(canvas, truth.width, truth.height, (place) => {
          const one = truth.values[place], other = found.values[place];
          const color = one === IGNORED ? black : one === other ? RIGHT : WRONG;
          return [color, only !== null && one !== only && other !== only];
        });
      }
    };
    const redraw = () => {
      drawLayer(canvases[0], left.value);
      drawLayer(canvases[1], right.value);
      slide();
    };

    const point = (value) => { pointed = value; redraw(); };
    const showLegend = () => {
      const labels = Object.entries(current).filter(([key]) => kinds[key].kind === "label");
      const seen = new Set(labels.flatMap(([, label]) => [...new Set(label.values)]));
      legend.replaceChildren();
      data.classes.forEach((one, value) => {
        if (!seen.has(value)) return;
        const swatch = element("i", { style: `background:rgb(${one.color.join(",")})` });
        const button = element("button", { type: "button", "aria-pressed": value === pinned }, swatch, one.name);
        button.addEventListener("pointerenter", () => point(value));
        button.addEventListener("pointerleave", () => point(null));
        button.addEventListener("click", () => {
          pinned = pinned === value ? null : value;
          for (const other of legend.querySelectorAll("button")) other.setAttribute("aria-pressed", other === button && pinned !== null);
          redraw();
        });
        legend.append(element("li", {}, button));
      });
    };

    // Of some images only some arms' predictions are kept.
    const offer = (chosen) => {
      for (const list of [left, right]) {
        for (const option of list.options) {
          const layer = kinds[option.value];
          option.disabled = !((layer.of ?? layer.key) in chosen.layers);
        }
        if (list.selectedOptions[0].disabled) list.value = list === left ? "image" : "truth";
      }
    };

    const show = async () => {
      const own = ++turn, chosen = item();
      offer(chosen);
      const keys = new Set([left.value, right.value]);
      for (const key of [...keys]) if (kinds[key].of) keys.add("truth").add(kinds[key].of).delete(key);
      if (kinds.truth) keys.add("truth");
      const found = await Promise.all([...keys].map(async (key) => [key, await load(chosen, key)]));
      if (own !== turn) return; // Another one was asked for meanwhile.
      current = Object.fromEntries(found);
      const [one, other] = [left, right].map((list) => {
        const layer = kinds[list.value], score = chosen.scores[layer.of ?? layer.key];
        return layer.title + (score === undefined ? "" : `, ${percent(score)} mean IoU`);
      });
      ends.children[0].textContent = one;
      ends.children[1].textContent = other;
      readout.textContent = "";
      showLegend();
      redraw();
      stage.dataset.shown = `${chosen.name} ${left.value} ${right.value}`;
    };

    slider.addEventListener("input", slide);
    slider.addEventListener("pointermove", (event) => {
      const labels = Object.entries(current).filter(([key]) => kinds[key].kind === "label");
      const box = slider.getBoundingClientRect();
      readout.textContent = labels.map(([key, label]) => {
        const x = Math.floor(((event.clientX - box.left) / box.width) * label.width);
        const y = Math.floor(((event.clientY - box.top) / box.height) * label.height);
        const value = label.values[y * label.width + x];
        return `${kinds[key].title}: ${data.classes[value]?.name ?? "ignored"}`;
      }).join(" · ");
    });
    for (const list of [images, left, right]) list.addEventListener("change", show);

    if (scored.length) {
      const [rankLabel, ranks] = choice("Ranked by mean IoU of", scored.map((layer) => [layer.key, layer.title]),
        scored.some((layer) => layer.key === data.right) ? data.right : undefined);
      controls.append(rankLabel);
      const pick = (which) => { images.value = data.apart[ranks.value][which]; };
      const rank = () => data.items.forEach(({ name, scores }, place) => {
        const score = scores[ranks.value];
        images.options[place].textContent = score === undefined ? name : `${name}, ${percent(score)}`;
      });
      ranks.addEventListener("change", rank);
      ["Best", "Median", "Worst"].forEach((name, which) => {
        const button = element("button", { type: "button" }, name);
        button.addEventListener("click", () => {
          pick(which);
          right.value = ranks.value;
          show();
        });
        controls.append(button);
      });
      rank();
      pick(1); // What it mostly looks like.
    }
    show();
  });
})();
