/** The graph as it stands on the page, as an SVG of its own: with the colours that it has here. */

const KEPT = [
  "fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "opacity", "visibility",
  "font-family", "font-size", "font-weight",
]; // prettier-ignore

/** An SVG document of a drawn graph, at its own size. */
export function svgOf(drawn: SVGSVGElement): string {
  const copy = drawn.cloneNode(true) as SVGSVGElement;
  const [from, to] = [all(drawn), all(copy)];
  from.forEach((element, i) => {
    const style = getComputedStyle(element);
    const made = to[i] as SVGElement;
    const moved = made.style.transform;
    made.removeAttribute("style");
    // In a file, boxes are moved by the attribute that every reader of SVG knows.
    const place = /translate\(([-\d.]+)px, ([-\d.]+)px\)/.exec(moved);
    if (place) made.setAttribute("transform", `translate(${place[1]} ${place[2]})`);
    for (const name of ["class", "tabindex", "role", "aria-label", "aria-pressed", "aria-expanded", "data-key"]) {
      made.removeAttribute(name);
    }
    for (const name of KEPT) {
      const value = style.getPropertyValue(name);
      if (value && value !== "none" && !(name === "opacity" && value === "1")) made.setAttribute(name, value);
      else if (value === "none" && name === "fill") made.setAttribute(name, "none");
    }
  });
  copy.querySelectorAll("circle, [visibility=hidden]").forEach((one) => one.remove());
  const [x, y, width, height] = (copy.getAttribute("viewBox") ?? "0 0 100 100").split(" ");
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", width!);
  copy.setAttribute("height", height!);
  copy.removeAttribute("style");
  const paper = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({ x: x!, y: y!, width: width!, height: height! }))
    paper.setAttribute(name, value);
  paper.setAttribute("fill", getComputedStyle(document.body).backgroundColor);
  copy.prepend(paper);
  return new XMLSerializer().serializeToString(copy);
}

const all = (root: Element): Element[] => [root, ...root.querySelectorAll("*")];
