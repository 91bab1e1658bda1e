"use strict";
(() => {
  const pictures = [...document.querySelectorAll("img[data-moving]")];
  for (const picture of pictures) picture.dataset.still = picture.src;
  const play = document.getElementById("play");
  let moves = false;

  function move(on) {
    moves = on;
    for (const picture of pictures) picture.src = on ? picture.dataset.moving : picture.dataset.still;
    play.setAttribute("aria-pressed", String(on));
    play.textContent = on ? "Stop" : "Play";
  }

  if (pictures.length) {
    play.hidden = false;
    play.onclick = () => move(!moves);
    move(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  }

  const cards = [...document.querySelectorAll("[data-kinds]")], shown = document.getElementById("shown");
  for (const input of document.querySelectorAll("[name=kind]")) {
    input.onchange = () => {
      for (const card of cards) card.hidden = input.value !== "" && !card.dataset.kinds.split(" ").includes(input.value);
      shown.textContent = `${cards.filter((card) => !card.hidden).length} shown`;
    };
  }
  const choices = document.getElementById("choices");
  if (choices) choices.hidden = false;
})();
