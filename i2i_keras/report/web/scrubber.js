// Pictures of a training, step by step.
"use strict";
showWidgets("scrubber", (stage, data, title) => {
  const last = data.frames.length - 1;
  const image = element("img", { alt: "" });
  const slider = element("input", {
    type: "range", min: 0, max: last, value: last, "aria-label": `${title}: step`,
  });
  const told = element("output");
  const show = () => {
    const frame = data.frames[slider.value];
    image.src = frame.src;
    image.alt = `${title} at step ${frame.step}`;
    told.textContent = `step ${frame.step.toLocaleString("en")}`;
    slider.setAttribute("aria-valuetext", told.textContent);
  };
  slider.addEventListener("input", show);
  stage.append(image, element("div", { class: "along" }, slider, told));
  show();
});
