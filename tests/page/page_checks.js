// What page_test.py asks the page: each gives what is wrong, empty if nothing.
(() => {
  const visible = (element) => element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}) &&
    element.getClientRects().length > 0 && !element.closest(".hidden, .skip");

  function channels(colour) {
    const found = /^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$/.exec(colour);
    return found && [Number(found[1]), Number(found[2]), Number(found[3]), found[4] === undefined ? 1 : Number(found[4])];
  }

  // The first ground that is not see-through; null: one that is half so.
  function ground(element) {
    for (let at = element; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (!colour || (colour[3] !== 0 && colour[3] !== 1)) return null;
      if (colour[3] === 1) return colour;
    }
    return [255, 255, 255, 1];
  }

  function luminance(colour) {
    const [r, g, b] = colour.map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function contrast(one, other) {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }

  // WCAG 2.1, 1.4.3: 4.5 to 1; 3 to 1 for large text.
  function faint() {
    const faults = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let looked = 0;
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!walker.currentNode.data.trim() || !visible(element)) continue;
      ++looked;
      const style = getComputedStyle(element);
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      const text = channels(style.color);
      const behind = ground(element);
      const found = text && text[3] === 1 && behind ? contrast(text, behind) : 0;
      if (found < (large ? 3 : 4.5)) faults.push(`${found.toFixed(2)}: ${walker.currentNode.data.trim().slice(0, 40)}`);
    }
    return looked < 20 ? [`only ${looked} texts`] : faults;
  }

  // Elements that the page does not make.
  function foreign() {
    const known = new Set(["/app.js", "/chart.js"]);
    return [...document.querySelectorAll("*")].filter((one) =>
      (one.localName === "script" && !known.has(one.getAttribute("src"))) ||
      (one.localName === "img" && one.getAttribute("src") !== "/favicon.svg") ||
      ["b", "i", "iframe", "object", "style", "base"].includes(one.localName) ||
      [...one.attributes].some((attribute) => attribute.name.startsWith("on")))
      .map((one) => one.outerHTML.slice(0, 80));
  }

  // Characters that turn text round, or are not seen.
  function unseen() {
    return [...document.body.innerText.matchAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g)]
      .map((one) => one[0].codePointAt(0).toString(16));
  }

  // What sticks out to the right.
  function tooWide() {
    const root = document.documentElement;
    if (root.scrollWidth <= root.clientWidth) return [];
    return [`${root.scrollWidth} > ${root.clientWidth}`, ...[...document.querySelectorAll("body *")].filter((one) =>
      one.getBoundingClientRect().right > root.clientWidth + 1).slice(0, 5).map((one) => one.outerHTML.slice(0, 80))];
  }

  // What the focus is on: {what, seen}.
  function focus() {
    const one = document.activeElement;
    return {what: one.id || one.dataset.range || one.hash || one.innerText.slice(0, 30),
      seen: getComputedStyle(one).outlineStyle !== "none"};
  }

  return {faint, focus, foreign, tooWide, unseen};
})()
