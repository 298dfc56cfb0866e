"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const number = (text) => (text === "∞" ? Infinity : parseFloat(text.replace(/[>K= ]/g, "")));
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.ariaLabel = "sort by " + head.textContent;
    head.append(button);
    head.ariaSort = "none";
    button.addEventListener("click", () => {
      const up = head.ariaSort !== "ascending";
      const key = (row) => row.cells[column].textContent.trim();
      const compare = (a, b) => {
        const [x, y] = [number(key(a)), number(key(b))];
        if (isNaN(x) && isNaN(y)) return (up ? 1 : -1) * key(a).localeCompare(key(b));
        if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y);
        return up ? x - y : y - x;
      };
      const rows = [...body.rows].sort((a, b) => compare(a, b) || 0);
      heads.forEach((other) => (other.ariaSort = "none"));
      head.ariaSort = up ? "ascending" : "descending";
      body.append(...rows);
    });
  });
  document.querySelectorAll(".script").forEach((note) => (note.hidden = false));
}
