"""The page of a run in a real browser: the player, the slider, the keys, and accessibility."""

import pytest

from deeptsr.report import write_report
from tests.browser.conftest import SCREENS
from tests.helpers.finished import BITS, FACTOR, FRAMES, HEIGHT, WIDTH, finished

# Reads the numbers that the frames carry: of the input's half and of the result's.
READ = """([left, bits]) => {
  const canvas = document.getElementById("canvas"), brush = canvas.getContext("2d");
  const wide = canvas.width / (left === null ? 1 : 2), block = wide / bits;
  let number = 0;
  for (let bit = 0; bit < bits; bit++) {
    const x = (left ?? 0) * wide + (bit + 0.5) * block;
    number += (brush.getImageData(x, block / 2, 1, 1).data[0] > 127) << bit;
  }
  return number;
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_report(finished(folder).record(), folder / "page.html")
    return (folder / "page.html").as_uri()


@pytest.fixture
def visit(open_page, address):
    def open_report(**screen):
        page = open_page(address, **screen)
        page.wait_for_selector("#screen[data-ready]")
        return page

    return open_report


def shows(page, frame, *, slider=False):
    """Wait until this frame of the result is drawn, with the input's frame of its moment."""
    page.wait_for_function(f"() => document.getElementById('count').textContent === '{frame + 1}'")
    if slider:
        found = page.evaluate(READ, [None, BITS])
        assert found in (frame, frame // FACTOR)
        return found
    page.wait_for_function(f"(a) => ({READ})(a) === {frame}", arg=[1, BITS])
    assert page.evaluate(READ, [0, BITS]) == frame // FACTOR
    return frame


def test_each_step_shows_exactly_its_frame_and_both_stay_in_step(visit):
    page = visit()
    page.fill("#seek", "0")
    shows(page, 0)
    for frame in (1, 2, 3):
        page.click("#forward")
        shows(page, frame)
    page.click("#back")
    shows(page, 2)
    page.keyboard.press(".")
    shows(page, 3)
    page.keyboard.press(",")
    page.keyboard.press(",")
    shows(page, 1)
    last = FRAMES * FACTOR - 1
    page.fill("#seek", str(last))
    shows(page, last)
    page.click("#forward")
    shows(page, 0)  # around


def test_a_frame_of_the_film_is_taken_once_for_all_that_is_compared(visit):
    """A film may go on between two drawings of it: of two takings, one may be the one before."""
    page = visit()
    page.evaluate("""() => {
      const draw = CanvasRenderingContext2D.prototype.drawImage;
      let taken = 0;
      window.most = 0;
      CanvasRenderingContext2D.prototype.drawImage = function (source, ...rest) {
        if (source instanceof HTMLVideoElement) {
          if (taken++ === 0) queueMicrotask(() => (taken = 0));
          window.most = Math.max(window.most, taken);
        }
        draw.call(this, source, ...rest);
      };
    }""")
    page.fill("#seek", "5")
    shows(page, 5)
    page.check("[name=layout][value=slider]", force=True)
    assert page.evaluate("() => window.most") == 1


def test_the_player_plays_at_the_chosen_speed_and_pauses(visit):
    page = visit()
    page.check("[name=speed][value='16']", force=True)
    page.click("#play")
    page.wait_for_function("() => Number(document.getElementById('count').textContent) >= 4")
    assert page.get_attribute("#play", "aria-label") == "Pause"
    page.click("#play")
    page.wait_for_selector("#play[aria-label=Play]", timeout=2000)  # told by an event, soon after
    frame = int(page.text_content("#count")) - 1
    shows(page, frame)
    page.wait_for_timeout(200)
    shows(page, frame)


def test_the_slider_moves_the_border_between_input_and_result(visit):
    page = visit()
    page.fill("#seek", "5")
    shows(page, 5)
    page.keyboard.press("s")
    assert page.is_checked("[name=layout][value=slider]")
    for percent, number in ((0, 5), (100, 5 // FACTOR)):
        page.fill("#cut", str(percent))
        assert shows(page, 5, slider=True) == number
    box = page.locator("#screen").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    assert float(page.input_value("#cut")) == pytest.approx(25, abs=2)
    page.focus("#cut")
    page.keyboard.press("ArrowRight")
    assert float(page.input_value("#cut")) == pytest.approx(25.5, abs=2.5)


def test_the_result_can_be_held_against_plain_methods(visit):
    page = visit()
    page.fill("#seek", "5")
    shows(page, 5)
    left = """() => {
      const canvas = document.getElementById("canvas"), half = canvas.width >> 1;
      const data = canvas.getContext("2d").getImageData(0, 0, half - 2, canvas.height).data;
      return data.reduce((sum, value) => sum + value, 0);
    }"""
    seen = []
    for name, told in (("linear", "linear interpolation"), ("minterpolate", "motion-compensated")):
        page.keyboard.press("c")
        assert page.is_checked(f"[name=rival][value={name}]")
        assert told in page.text_content("#chip-left")
        assert page.evaluate(READ, [1, BITS]) == 5  # the result stays
        seen.append(page.evaluate(left))
    page.keyboard.press("c")
    shows(page, 5)  # the input again
    assert page.text_content("#chip-left") == "input"
    assert len({*seen, page.evaluate(left)}) == 3
    page.focus("[name=rival]:checked")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(left) == seen[0]


def test_every_control_is_reached_and_worked_by_keyboard(visit):
    page = visit()
    page.keyboard.press("s")  # so that the divider is there
    name = """() => {
      const e = document.activeElement;
      return e.id || e.name || (e.dataset.view && "watch it") || e.tagName.toLowerCase();
    }"""
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(name))
    assert {
        *("a", "theme", "cut", "back", "play", "forward", "seek"),
        *("rival", "layout", "speed", "view", "watch it", "summary", "pre"),
    } <= set(reached)
    page.fill("#seek", "0")
    for control, key, check in (
        ("#forward", "Enter", "count.textContent === '2'"),
        ("#seek", "ArrowRight", "count.textContent === '3'"),
        ("[name=layout]:checked", "ArrowLeft", "document.getElementById('cut').hidden"),
        ("[name=view]:checked", "ArrowRight", "!document.querySelector('[name=view]').checked"),
        ("summary", "Enter", "document.querySelector('details').open"),
        ("#play", "Space", "play.getAttribute('aria-label') === 'Pause'"),
    ):
        page.focus(control)
        page.keyboard.press(key)
        page.wait_for_function(f"() => {check}")


def test_a_place_can_be_watched(visit):
    page = visit()
    page.click("[data-view='0']")
    assert page.is_checked("[name=view][value='0']")
    aspect = "document.getElementById('screen').style.getPropertyValue('--aspect')"
    assert float(page.evaluate(aspect)) == pytest.approx(2, abs=0.1)  # two squares
    page.check("[name=view][value='']", force=True)
    assert float(page.evaluate(aspect)) == pytest.approx(2 * WIDTH / HEIGHT)


def test_nothing_overflows_on_a_phone_and_the_halves_lie_one_upon_the_other(visit):
    page = visit(width=360, height=740)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    aspect = page.evaluate("document.getElementById('screen').style.getPropertyValue('--aspect')")
    assert float(aspect) == pytest.approx(WIDTH / (2 * HEIGHT))


def test_the_theme_can_be_chosen(visit):
    page = visit()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("#theme")
    assert page.evaluate(ground) == light
    page.click("#theme")
    assert page.evaluate(ground) != light


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_axe_finds_nothing_to_better(visit, violations, width, scheme):
    page = visit(width=width, scheme=scheme)
    assert violations(page) == []


@pytest.fixture(scope="module")
def larger(tmp_path_factory):
    folder = tmp_path_factory.mktemp("larger")
    write_report(finished(folder, scale=4).record(), folder / "page.html")
    return (folder / "page.html").as_uri()


def test_the_divider_and_the_loupe_compare_the_same_place(open_page, larger):
    page = open_page(larger)
    page.wait_for_selector("#loupe[data-place]")
    page.fill("#edge", "25")
    assert page.evaluate("getComputedStyle(compare).getPropertyValue('--cut')") == "25%"
    frame = page.locator("#compare").bounding_box()
    page.mouse.move(frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2)
    side = 320 // 4
    middle = f"{2 * WIDTH - side // 2} {2 * HEIGHT - side // 2} 4"
    page.wait_for_function(f"() => loupe.dataset.place === '{middle}'")
    page.focus("#edge")
    page.keyboard.press("Shift+ArrowRight")
    assert page.get_attribute("#loupe", "data-place") != middle
    assert page.input_value("#edge") == "25"
    page.check("[name=loupe][value='0']", force=True)
    assert page.is_hidden("#loupe")


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_a_larger_result_is_accessible(open_page, violations, larger, width, scheme):
    page = open_page(larger, width=width, scheme=scheme)
    page.wait_for_selector("#loupe[data-place]")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
