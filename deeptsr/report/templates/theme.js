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
})();
