// Tables that are sorted by a click on the title of a column.
"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  if (original.length < 2) continue;

  // The first number of a cell; its name where there is none.
  const valueOf = (row, place) => {
    const text = row.cells[place].textContent.trim();
    const number = text.replace(/,(?=\d{3})/g, "").match(/[-+]?\d+(\.\d+)?/);
    return place > 0 ? (number ? Number(number[0]) : null) : text;
  };
  const compare = (one, other) => {
    if (one === null || other === null) return (one === null) - (other === null);
    return typeof one === "number" ? other - one : one.localeCompare(other);
  };
  const sort = (titles, place) => {
    const title = titles[place];
    // Numbers begin with the largest, names with the first, and then turn round.
    const orders = place > 0 ? ["descending", "ascending"] : ["ascending", "descending"];
    const order = orders[(orders.indexOf(title.getAttribute("aria-sort")) + 1) % 3];
    titles.forEach((one) => one.removeAttribute("aria-sort"));
    if (order) title.setAttribute("aria-sort", order);
    const turn = order === orders[1] ? -1 : 1;
    const rows = original.slice();
    if (order) {
      rows.sort((one, other) => {
        const values = [valueOf(one, place), valueOf(other, place)];
        return values.includes(null) ? compare(...values) : turn * compare(...values);
      });
    }
    body.append(...rows);
  };

  const titles = [...table.tHead.rows[0].cells];
  titles.forEach((title, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...title.childNodes);
    title.append(button);
    button.addEventListener("click", () => sort(titles, place));
  });
}

// Each widget is shown by the function of its kind, with its data.
function showWidgets(kind, show) {
  for (const widget of document.querySelectorAll(`.widget[data-kind="${kind}"]`)) {
    const data = JSON.parse(widget.querySelector("script").textContent);
    show(widget.querySelector(".stage"), data, widget.querySelector("h3").textContent);
  }
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
