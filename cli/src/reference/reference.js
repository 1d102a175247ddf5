// Shows the names that contain the words of the search field. NAMES has [name, module, sentence].
const field = document.getElementById("search");
const found = document.getElementById("found");

function rank(name, words) {
  const lower = name.toLowerCase();
  if (lower === words[0]) return 0;
  return lower.startsWith(words[0]) ? 1 : lower.includes(words[0]) ? 2 : 3;
}

function item([name, module, sentence]) {
  const line = document.createElement("li");
  const link = document.createElement("a");
  link.href = module + ".html#" + encodeURIComponent(name);
  const code = document.createElement("code");
  code.textContent = name;
  link.append(code);
  line.append(link, " " + module + ": " + sentence);
  return line;
}

function search() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = words.length === 0 ? [] : NAMES.filter((entry) => {
    const text = entry.join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  matches.sort((a, b) => rank(a[0], words) - rank(b[0], words) || a[0].length - b[0].length);
  found.replaceChildren(...matches.slice(0, 50).map(item));
}

field.addEventListener("input", search);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== field) {
    event.preventDefault();
    field.focus();
  }
});
search();
