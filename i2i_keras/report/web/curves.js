// Curves with the values where the pointer is, drawn by uPlot.
"use strict";
(() => {
  const HEIGHT = 170; // Pixels of a panel.
  const FEW = 30; // Points; so many are drawn as such.
  const styles = getComputedStyle(document.documentElement);
  const color = (name) => styles.getPropertyValue(name).trim();
  const shown = (value) => (value == null ? "–" : Number(value.toPrecision(4)).toString());
  const plots = [];

  // A dashed line and a sign on the axis of time at each warning.
  const markWarnings = (steps) => (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = color("--harm");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.font = `bold ${13 * devicePixelRatio}px sans-serif`;
    ctx.textAlign = "center";
    for (const step of steps) {
      const x = plot.valToPos(step, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.fillText("⚠", x, bbox.top + bbox.height - 4 * devicePixelRatio);
    }
    ctx.restore();
  };

  const axis = (more) => ({
    stroke: () => color("--soft"),
    grid: { stroke: () => color("--line"), width: 1 },
    ticks: { stroke: () => color("--line"), width: 1 },
    font: "11px system-ui, sans-serif",
    ...more,
  });

  const ticks = (_, values) => values.map((value) => (value == null ? "" : shown(value)));
  const series = (line, few) => ({
    label: line.name,
    stroke: line.color,
    width: 1.8,
    spanGaps: true,
    points: { show: few },
    value: (_, value) => shown(value),
  });

  const draw = (holder, panel, data, group) => {
    const width = () => Math.max(200, holder.clientWidth);
    const steps = data.warnings.map((one) => one.step).filter((step) => step !== null);
    const few = data.steps.length < FEW;
    const options = {
      width: width(),
      height: HEIGHT,
      cursor: { sync: { key: group }, y: false, drag: { x: false, y: false } },
      scales: { x: { time: false }, y: panel.log ? { distr: 3 } : {} },
      axes: [axis({ size: 28 }), axis({ size: 60, values: ticks })],
      series: [
        { label: "step", value: (_, value) => shown(value) },
        ...panel.lines.map((line) => series(line, few)),
      ],
      hooks: { draw: [markWarnings(steps)] },
    };
    const values = [data.steps, ...panel.lines.map((line) => line.values)];
    const plot = new uPlot(options, values, holder);
    plots.push(plot);
    new ResizeObserver(() => {
      if (width() !== plot.width) plot.setSize({ width: width(), height: HEIGHT });
    }).observe(holder);
    return plot;
  };

  let count = 0;
  showWidgets("curves", (stage, data, title) => {
    const group = `curves${count++}`;
    const holders = element("div", { class: "panels" });
    stage.append(holders);
    const own = data.panels.map((panel) => {
      const holder = element("div", { class: "panel" }, element("h4", {}, panel.title));
      holders.append(holder);
      return draw(holder, panel, data, group);
    });
    // The same by keyboard and on a telephone.
    const last = data.steps.length - 1;
    const slider = element("input", {
      type: "range", min: 0, max: last, value: last, "aria-label": `${title}: step`,
    });
    const told = element("output");
    const move = () => {
      const place = Number(slider.value);
      told.textContent = `step ${data.steps[place].toLocaleString("en")}`;
      const values = data.panels.map((panel) => panel.lines
        .map((line) => `${panel.title} ${line.name} ${shown(line.values[place])}`).join(", "));
      slider.setAttribute("aria-valuetext", [told.textContent, ...values].join("; "));
      for (const plot of own) {
        plot.setCursor({ left: plot.valToPos(data.steps[place], "x"), top: 0 }, false);
        plot.setLegend({ idx: place }, false);
      }
    };
    slider.addEventListener("input", move);
    own.forEach((plot) => plot.over.addEventListener("mouseleave", move));
    stage.append(element("div", { class: "along" }, slider, told));
    move();
    if (data.warnings.length) {
      const texts = data.warnings.map((one) => element("li", {}, one.text));
      stage.append(element("ul", { class: "warnings" }, ...texts));
    }
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    plots.forEach((plot) => plot.redraw(false, true));
  });
})();
