// Sorting by a column and filtering rows and columns of the matrix. No request is made.
document.addEventListener("DOMContentLoaded", () => {
  const table = document.getElementById("atlas-matrix");
  if (!table) return;
  const head = table.tHead.rows[0];
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const key = (row, column) => {
    const cell = row.cells[column];
    if (column === 0) return cell.textContent;
    return "value" in cell.dataset ? Number(cell.dataset.value) : Infinity;
  };
  [...head.cells].forEach((cell, column) => {
    cell.querySelector("button").addEventListener("click", () => {
      const up = cell.getAttribute("aria-sort") !== "ascending";
      for (const other of head.cells) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", up ? "ascending" : "descending");
      rows.sort((one, two) => {
        const [a, b] = [key(one, column), key(two, column)];
        const order = a < b ? -1 : a > b ? 1 : 0;
        return a === Infinity || b === Infinity ? order : up ? order : -order;
      });
      body.append(...rows);
    });
  });
  const wanted = (field, text) => text.includes(field.value.trim().toLowerCase());
  const byRow = document.getElementById("matrix-rows");
  const byColumn = document.getElementById("matrix-columns");
  byRow.addEventListener("input", () => {
    for (const row of rows) row.hidden = !wanted(byRow, row.cells[0].textContent.toLowerCase());
  });
  byColumn.addEventListener("input", () => {
    [...head.cells].forEach((cell, column) => {
      const shown = column === 0 || wanted(byColumn, cell.textContent.toLowerCase());
      for (const row of [head, ...rows]) row.cells[column].hidden = !shown;
    });
  });
});
