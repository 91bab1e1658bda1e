"use strict";
(() => {
  const themes = ["auto", "light", "dark"], theme = document.getElementById("theme");
  let now = 0;
  theme.hidden = false;
  theme.onclick = () => {
    now = (now + 1) % themes.length;
    document.documentElement.dataset.theme = themes[now];
    theme.querySelector("span").textContent = themes[now];
  };

  const copy = document.getElementById("copy");
  if (copy && navigator.clipboard) {
    copy.hidden = false;
    copy.onclick = () => navigator.clipboard.writeText(document.getElementById("command").textContent).then(() => {
      copy.textContent = "Copied";
      setTimeout(() => (copy.textContent = "Copy"), 1500);
    }, () => (copy.textContent = "Select it, then copy"));
  }
})();
