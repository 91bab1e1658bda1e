"use strict";
(() => {
  const box = document.getElementById("compare");
  if (!box) return;
  const [plain, fine] = box.querySelectorAll("img"), edge = document.getElementById("edge");
  const loupe = document.getElementById("loupe"), brush = loupe.getContext("2d", { alpha: false });
  let times = 4, at = { x: 0.5, y: 0.5 };

  // Pixels stay pixels: left of the divider those of the enlarged input, right those of the result.
  function show() {
    loupe.hidden = !times;
    if (!times || !fine.naturalWidth) return;
    const side = loupe.width / times, cut = (edge.value / 100) * fine.naturalWidth;
    const x = Math.round(at.x * fine.naturalWidth - side / 2);
    const y = Math.round(at.y * fine.naturalHeight - side / 2);
    brush.fillRect(0, 0, loupe.width, loupe.height);
    brush.imageSmoothingEnabled = false;
    brush.drawImage(fine, x, y, side, side, 0, 0, loupe.width, loupe.height);
    const left = Math.max(0, Math.min(side, cut - x));
    if (left > 0) brush.drawImage(plain, x, y, left, side, 0, 0, left * times, loupe.height);
    loupe.dataset.place = `${x} ${y} ${times}`;
    const half = loupe.offsetWidth / 2, clear = half + 24;
    const px = at.x * box.clientWidth, py = at.y * box.clientHeight;
    const below = py < box.clientHeight / 2; // beside the place, not upon it
    loupe.style.left = `${Math.max(half, Math.min(box.clientWidth - half, px))}px`;
    loupe.style.top = `${below ? py + clear : py - clear}px`;
  }

  function point(event) {
    const frame = box.getBoundingClientRect();
    at = {
      x: Math.max(0, Math.min(1, (event.clientX - frame.left) / frame.width)),
      y: Math.max(0, Math.min(1, (event.clientY - frame.top) / frame.height)),
    };
    show();
  }

  function divide() {
    box.style.setProperty("--cut", `${edge.value}%`);
    show();
  }

  box.classList.add("live");
  edge.hidden = document.getElementById("loupe-choices").hidden = false;
  edge.oninput = divide;
  box.addEventListener("pointermove", point);
  edge.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!event.shiftKey || !step) return;
    event.preventDefault();
    at = {
      x: Math.max(0, Math.min(1, at.x + step[0] / 50)),
      y: Math.max(0, Math.min(1, at.y + step[1] / 50)),
    };
    show();
  });
  for (const input of document.querySelectorAll("[name=loupe]")) {
    input.onchange = () => {
      times = Number(input.value);
      show();
    };
  }
  fine.decode().then(divide, () => {});
  addEventListener("resize", show);
})();
