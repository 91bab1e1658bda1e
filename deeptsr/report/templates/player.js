"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const facts = JSON.parse($("facts-of-film").textContent);
  const canvas = $("canvas"), screen = $("screen"), brush = canvas.getContext("2d", { alpha: false });
  const film = document.createElement("video"), still = document.createElement("canvas");
  const narrow = matchMedia("(max-width: 46rem)");
  let shown = 0, wanted = null, layout = "side", rival = "input", view = null, cut = 0.5, unseen = true;

  // All that is compared are quarters of each frame of one film, and a frame is taken from it once: a film
  // may go on between two drawings of it, so that its quarters would fall out of step.
  const bytes = Uint8Array.from(atob($("film").textContent), (c) => c.charCodeAt(0));
  film.muted = film.loop = film.playsInline = true;
  film.preload = "auto";
  film.src = URL.createObjectURL(new Blob([bytes], { type: "video/webm" }));

  function part(name) {
    const box = view === null ? { left: 0, top: 0, width: 1, height: 1 } : facts.views[view];
    const w = film.videoWidth / 2, h = film.videoHeight / 2, place = facts.panels.indexOf(name);
    const left = (place % 2) + box.left, top = (place >> 1) + box.top;
    return [left * w, top * h, box.width * w, box.height * h];
  }

  function draw() {
    if (!film.videoWidth) return;
    still.getContext("2d", { alpha: false }).drawImage(film, 0, 0);
    const W = canvas.width, H = canvas.height, other = part(rival), result = part("result");
    brush.imageSmoothingQuality = "high";
    if (layout === "slider") {
      const edge = Math.round(W * cut);
      brush.drawImage(still, ...result, 0, 0, W, H);
      if (edge > 0) {
        const share = edge / W;
        brush.drawImage(still, other[0], other[1], other[2] * share, other[3], 0, 0, edge, H);
      }
    } else if (narrow.matches) {
      brush.drawImage(still, ...other, 0, 0, W, H / 2 - 1);
      brush.drawImage(still, ...result, 0, H / 2 + 1, W, H / 2 - 1);
    } else {
      brush.drawImage(still, ...other, 0, 0, W / 2 - 1, H);
      brush.drawImage(still, ...result, W / 2 + 1, 0, W / 2 - 1, H);
    }
    canvas.dataset.frame = shown;
  }

  function arrange() {
    const [, , w, h] = part("result"), side = layout === "side";
    const aspect = side ? (narrow.matches ? w / (2 * h) : (2 * w) / h) : w / h;
    screen.style.setProperty("--aspect", aspect || 1);
    screen.classList.toggle("slider", !side);
    screen.classList.toggle("over", side && narrow.matches);
    $("cut").hidden = side;
    const width = Math.round(screen.clientWidth * Math.min(2, devicePixelRatio || 1));
    canvas.width = Math.max(2, width);
    canvas.height = Math.max(2, Math.round(width / (aspect || 1)));
    draw();
  }

  function tell(frame) {
    shown = Math.max(0, Math.min(facts.frames - 1, frame));
    $("seek").value = shown;
    $("seek").style.setProperty("--done", `${(100 * shown) / Math.max(1, facts.frames - 1)}%`);
    $("count").textContent = shown + 1;
    const moment = (shown / facts.perSecond).toFixed(3);
    const from = facts.inputs[shown] + 1;
    $("seek").setAttribute("aria-valuetext", `frame ${shown + 1}, ${moment} s, frame ${from} of the input`);
  }

  // The middle of a frame's time: rounding never shows its neighbour.
  function go(frame) {
    film.pause();
    tell((frame + facts.frames) % facts.frames);
    wanted = shown;
    if (!film.seeking) seek();
  }

  function seek() {
    const frame = wanted;
    wanted = null;
    film.currentTime = (frame + 0.5) / facts.rate;
  }

  function tick() {
    if (film.paused) return;
    tell(Math.floor(film.currentTime * facts.rate + 1e-3));
    draw();
    requestAnimationFrame(tick);
  }

  function speed() {
    const chosen = document.querySelector("[name=speed]:checked").value;
    film.playbackRate = facts.speeds.find((s) => String(s.slower) === chosen).playback;
  }

  const toggle = () => (film.paused ? film.play().catch(() => {}) : go(shown));

  function look(index) {
    view = index;
    document.querySelector(`[name=view][value="${index === null ? "" : index}"]`).checked = true;
    arrange();
  }

  function choose(name) {
    layout = name;
    document.querySelector(`[name=layout][value=${name}]`).checked = true;
    arrange();
  }

  function compare(name) {
    rival = name;
    const input = document.querySelector(`[name=rival][value=${name}]`);
    input.checked = true;
    $("chip-left").textContent = input.dataset.name;
    $("chip-rate").hidden = name !== "input";
    draw();
  }

  film.addEventListener("loadeddata", () => {
    still.width = film.videoWidth;
    still.height = film.videoHeight;
    arrange();
    speed();
    screen.dataset.ready = "yes";
    go(facts.views.length ? facts.views[0].frame : 0); // a clip's ends are its weakest frames
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (calm || !("IntersectionObserver" in window)) return;
    new IntersectionObserver(([seen]) => {
      if (seen.isIntersecting && unseen) {
        unseen = false;
        film.play().catch(() => {});
      } else if (!seen.isIntersecting && !film.paused) {
        film.pause();
      }
    }, { threshold: 0.3 }).observe(screen);
  });
  film.addEventListener("seeked", () => (wanted === null ? film.paused && draw() : seek()));
  // Some browsers have sought before the frame can be drawn: then it is drawn as soon as it is there.
  if (film.requestVideoFrameCallback) {
    const arrived = () => {
      if (film.paused && !film.seeking) draw();
      film.requestVideoFrameCallback(arrived);
    };
    film.requestVideoFrameCallback(arrived);
  }
  film.addEventListener("play", () => {
    $("controls").classList.add("playing");
    $("play").setAttribute("aria-label", "Pause");
    tick();
  });
  film.addEventListener("pause", () => {
    $("controls").classList.remove("playing");
    $("play").setAttribute("aria-label", "Play");
  });
  film.addEventListener("error", () => {
    screen.dataset.failed = "yes";
    $("stage").insertAdjacentHTML("afterend", "<p class='note' role='alert'>This browser cannot play the film (WebM, VP9). The pictures below show the same.</p>");
  });

  $("play").onclick = toggle;
  $("back").onclick = () => go(shown - 1);
  $("forward").onclick = () => go(shown + 1);
  $("seek").oninput = (event) => go(Number(event.target.value));
  $("cut").oninput = (event) => {
    cut = event.target.value / 100;
    screen.style.setProperty("--cut", `${event.target.value}%`);
    draw();
  };
  for (const input of document.querySelectorAll("[name=layout]")) input.onchange = () => choose(input.value);
  for (const input of document.querySelectorAll("[name=rival]")) input.onchange = () => compare(input.value);
  for (const input of document.querySelectorAll("[name=speed]")) input.onchange = speed;
  for (const input of document.querySelectorAll("[name=view]")) {
    input.onchange = () => look(input.value === "" ? null : Number(input.value));
  }
  for (const button of document.querySelectorAll("[data-view]")) {
    button.hidden = false;
    button.onclick = () => {
      const index = Number(button.dataset.view);
      unseen = false;
      look(index);
      go(facts.views[index].frame);
      $("watch").scrollIntoView();
      $("play").focus({ preventScroll: true });
    };
  }
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const busy = event.target.closest("button, input, a, summary, pre, [tabindex]");
    if (event.key === " " && !busy) {
      event.preventDefault();
      toggle();
    } else if (event.key === ",") go(shown - 1);
    else if (event.key === ".") go(shown + 1);
    else if (event.key === "c") compare(facts.panels[(facts.panels.indexOf(rival) + 1) % (facts.panels.length - 1)]);
    else if (event.key === "s") choose(layout === "side" ? "slider" : "side");
  });
  addEventListener("resize", arrange);
  narrow.addEventListener("change", arrange);
  $("controls").hidden = false;
})();
