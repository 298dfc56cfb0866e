"use strict";
const form = document.querySelector("form.find");
const MOST = 100;
let cells = null;
window.gradmeterCells = (data) => { cells = data; find(); };

// Words of a field: each has to occur in a name.
const has = (name, words) => words.every((word) => name.toLowerCase().includes(word));
const wordsOf = (field) => form.elements[field].value.toLowerCase().split(/\s+/).filter(Boolean);

function find() {
  const problem = wordsOf("problem"), estimator = wordsOf("estimator");
  let shown = 0;
  for (const row of document.querySelectorAll("[data-problem]")) {
    row.hidden = !has(row.dataset.problem, problem);
    shown += !row.hidden && row.tagName === "TR";
  }
  const heads = [...document.querySelectorAll(".matrix thead th")];
  const off = heads.map((head, place) => [head.querySelector("span"), place + 1])
    .filter(([name]) => name && !has(name.textContent, estimator)).map(([, place]) => place);
  const columns = heads.filter((head) => head.querySelector("span")).length - off.length;
  document.getElementById("off").textContent =
    off.map((place) => `.matrix :is(th,td):nth-child(${place}){display:none}`).join("");
  form.querySelector("output").textContent = problem.length + estimator.length
    ? `${shown} rows and ${columns} estimators match.` : "";
  list(problem, estimator);
}

// The cells that match, of the file beside the page, which is read when it is first asked for.
function list(problem, estimator) {
  const place = document.getElementById("found");
  if (!place) return;
  place.replaceChildren();
  if (!problem.length && !estimator.length) return;
  if (!cells) {
    if (document.getElementById("cells")) return;
    const script = document.createElement("script");
    script.id = "cells";
    script.src = "cells.js";
    script.onerror = () => { place.textContent = "cells.js is not beside this page."; };
    document.head.append(script);
    return;
  }
  const rows = cells.rows.filter((row) => has(row[0], problem) && has(row[1], estimator));
  const note = document.createElement("p");
  note.textContent = rows.length > MOST
    ? `${rows.length} measured cells, of which the first ${MOST} stand here.`
    : `${rows.length} measured cells.`;
  place.append(note);
  if (rows.length) place.append(tableOf(rows.slice(0, MOST)));
}

function tableOf(rows) {
  const box = document.createElement("div"), table = document.createElement("table");
  box.className = "box";
  box.tabIndex = 0;
  table.className = "w3 found";
  const head = table.createTHead().insertRow();
  for (const title of cells.titles) {
    const th = document.createElement("th");
    th.scope = "col";
    th.textContent = title;
    head.append(th);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach((text, column) => {
      const cell = line.insertCell();
      if (column === 0 && cells.pages[text]) {
        const link = document.createElement("a");
        link.href = cells.pages[text];
        link.textContent = text;
        cell.append(link);
      } else cell.textContent = text;
    });
  }
  box.append(table);
  return box;
}

form.hidden = false;
form.addEventListener("input", find);
form.addEventListener("submit", (event) => event.preventDefault());
find();
