// What the tests of the page ask a browser, as functions of the page.

const shown = (it) => it.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });

// Ids and heights of the sections whose titles can be seen.
window.visibleSections = () =>
  [...document.querySelectorAll("main > section")]
    .filter((it) => shown(it.querySelector("h2")))
    .map((it) => [it.id, it.getBoundingClientRect().height]);

const hidden = (it) => it.closest(".visually-hidden, .skip, thead, title, desc, style, .hint");

// Every node with a text of its own outside of pictures.
const texts = () => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.textContent.trim() && !hidden(node.parentElement)) found.push(node);
  }
  return found;
};

const rectangle = (node) => {
  const range = document.createRange();
  range.selectNodeContents(node);
  return range.getBoundingClientRect();
};

const sample = (node) => node.textContent.trim().slice(0, 60);

// Texts that reach beyond the window, or have no size, outside of what scrolls by itself.
window.cutTexts = () =>
  texts()
    .filter((node) => !node.parentElement.closest(".scroll"))
    .filter((node) => {
      const box = rectangle(node);
      return !shown(node.parentElement) || box.width < 1 || box.left < -1 || box.right > innerWidth + 1;
    })
    .map(sample);

// Number of folded texts that are not rendered.
window.foldedTexts = () =>
  texts().filter((node) => {
    const inside = node.parentElement.closest("details:not([open]) > :not(summary)");
    return inside && !node.parentElement.checkVisibility();
  }).length;

const all = () => [...document.querySelectorAll("*")];
window.position = (it) => all().indexOf(it);

// Positions of all that takes the focus, in the order of the page.
window.usable = () =>
  [...document.querySelectorAll("a[href], summary, [tabindex='0']")]
    .filter((it) => it.checkVisibility())
    .map(position);

const parsed = (color) => {
  const [r, g, b, a = 1] = color.match(/[\d.]+/g).map(Number);
  return { r, g, b, a };
};

const over = (front, back) => ({
  r: front.r * front.a + back.r * (1 - front.a),
  g: front.g * front.a + back.g * (1 - front.a),
  b: front.b * front.a + back.b * (1 - front.a),
  a: 1,
});

const luminance = ({ r, g, b }) => {
  const [x, y, z] = [r, g, b].map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};

const ratio = (one, other) => {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
};

const fillOf = (it) => parsed(getComputedStyle(it).fill);

// What is behind a text of a picture: the thing that it is written on, then the page.
const groundOfPicture = (it, page) => {
  if (it.classList.contains("chip")) return fillOf(it.previousElementSibling);
  const group = it.closest("g");
  const own = group?.querySelector(".outline") ?? group?.querySelector(":scope > rect");
  const paint = own ? getComputedStyle(own).fill : "none";
  return paint === "none" ? page : over(parsed(paint), page);
};

const ground = (it) => {
  const layers = [];
  for (let at = it; at; at = at.parentElement) {
    const color = parsed(getComputedStyle(at).backgroundColor);
    if (color.a > 0) layers.push(color);
    if (color.a === 1) break;
  }
  return layers.reduceRight((back, front) => over(front, back), { r: 255, g: 255, b: 255, a: 1 });
};

// Texts with less contrast than WCAG 2.2's level AA.
window.faintTexts = () => {
  const faint = new Set();
  for (const node of texts()) {
    const it = node.parentElement;
    const style = getComputedStyle(it);
    const picture = it.closest("svg");
    const page = ground(picture ? picture.parentElement : it);
    const text = it.closest("text");
    const back = text ? groundOfPicture(text, page) : page;
    const front = over(parsed(picture ? style.fill : style.color), back);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const found = ratio(front, back);
    if (found < (large ? 3 : 4.5)) faint.add(`${found.toFixed(2)} ${it.className.baseVal ?? it.className}: ${sample(node)}`);
  }
  return [...faint];
};

const within = (inner, outer, slack) =>
  inner.x >= outer.x - slack &&
  inner.y >= outer.y - slack &&
  inner.x + inner.width <= outer.x + outer.width + slack &&
  inner.y + inner.height <= outer.y + outer.height + slack;

// Texts of pictures that are not inside of what they are written on.
window.spilledTexts = () => {
  const spilled = [];
  for (const group of document.querySelectorAll(".picture .box")) {
    const outline = group.querySelector(".outline, circle").getBBox();
    for (const text of group.querySelectorAll("text")) {
      const around = text.classList.contains("chip") ? text.previousElementSibling.getBBox() : outline;
      if (!within(text.getBBox(), around, text.classList.contains("chip") ? 1.5 : 0)) spilled.push(text.textContent);
    }
  }
  for (const text of document.querySelectorAll(".picture .title text")) {
    if (!within(text.getBBox(), text.previousElementSibling.getBBox(), 2)) spilled.push(text.textContent);
  }
  for (const picture of document.querySelectorAll(".picture")) {
    const paper = { x: 0, y: 0, width: picture.viewBox.baseVal.width, height: picture.viewBox.baseVal.height };
    for (const text of picture.querySelectorAll("text")) {
      if (!within(text.getBBox(), paper, 0)) spilled.push(`off the paper: ${text.textContent}`);
    }
  }
  return spilled;
};

// For each picture: its smallest text in px on the screen, whether it scrolls, its tab index.
window.pictureSizes = () =>
  [...document.querySelectorAll(".paper")].map((paper) => {
    const svg = paper.querySelector("svg");
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    const sizes = [...svg.querySelectorAll("text")].map((it) => parseFloat(getComputedStyle(it).fontSize) * scale);
    return [Math.min(...sizes), paper.scrollWidth > paper.clientWidth, paper.tabIndex];
  });

// Headings that leave out a level.
window.headings = () => {
  const levels = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map((it) => [Number(it.tagName[1]), it]);
  return levels
    .filter(([level], index) => level > (index ? levels[index - 1][0] : 0) + 1)
    .map(([, it]) => it.textContent.trim());
};
