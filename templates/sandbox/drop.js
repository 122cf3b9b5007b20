// A file that is dropped on the page is checked, as one that is chosen.

const zone = document.getElementById("drop");
const form = document.getElementById("check");
const input = document.getElementById("file");
document.getElementById("hint").hidden = false;

function hasFile(event) {
  return [...(event.dataTransfer?.types ?? [])].includes("Files");
}

addEventListener("dragover", (event) => {
  if (!hasFile(event)) return;
  event.preventDefault();
  zone.classList.add("over");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) zone.classList.remove("over");
});
addEventListener("drop", (event) => {
  if (!hasFile(event)) return;
  event.preventDefault();
  zone.classList.remove("over");
  if (event.dataTransfer.files.length === 0) return;
  input.files = event.dataTransfer.files;
  form.requestSubmit();
});
