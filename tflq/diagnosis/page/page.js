"use strict";
// Draws a chart when it comes into view, which those of a closed layer do when it is opened.
(() => {
  const night = window.matchMedia("(prefers-color-scheme: dark)");
  const drawn = new Set();

  function themed(value, style) {
    if (typeof value === "string" && value.startsWith("--")) {
      return style.getPropertyValue(value).trim();
    }
    if (Array.isArray(value)) {
      return typeof value[0] === "object" ? value.map((item) => themed(item, style)) : value;
    }
    if (value && typeof value === "object") {
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, themed(item, style)]),
      );
    }
    return value;
  }

  function axis(own, style) {
    const line = style.getPropertyValue("--line").trim();
    return {
      automargin: true, fixedrange: true, gridcolor: line, zerolinecolor: line, ...own,
      title: { standoff: 8, ...own?.title },
    };
  }

  function draw(element) {
    const source = document.getElementById(element.dataset.figures);
    const style = getComputedStyle(document.documentElement);
    const figure = themed(JSON.parse(source.textContent)[element.dataset.key], style);
    const card = style.getPropertyValue("--card").trim();
    const ink = style.getPropertyValue("--ink").trim();
    const layout = {
      autosize: true, dragmode: false, showlegend: false,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: ink, size: 12, family: getComputedStyle(document.body).fontFamily },
      margin: { l: 8, r: 12, t: 8, b: 8 },
      legend: { orientation: "h", traceorder: "normal", x: 0, y: 1.02, yanchor: "bottom" },
      hoverlabel: { bgcolor: card, font: { color: ink } },
      ...figure.layout,
      xaxis: axis(figure.layout.xaxis, style),
      yaxis: axis(figure.layout.yaxis, style),
    };
    Plotly.react(element, figure.data, layout, { displayModeBar: false, responsive: true });
    element.dataset.drawn = "yes";
    drawn.add(element);
  }

  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (entry.isIntersecting) {
          seen.unobserve(entry.target);
          draw(entry.target);
        }
      }
    },
    { rootMargin: "200px" },
  );
  // The library is large: it starts when the text is there to be read.
  function start() {
    const library = document.createElement("script");
    library.textContent = document.getElementById("plotly").textContent;
    document.head.append(library);
    document.querySelectorAll(".chart").forEach((element) => seen.observe(element));
    document.documentElement.dataset.ready = String(performance.now());
  }
  window.addEventListener("load", () => setTimeout(start));
  night.addEventListener("change", () => drawn.forEach(draw));

  // A link to a layer opens it.
  function open() {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (target && target.tagName === "DETAILS") {
      target.open = true;
      target.scrollIntoView();
    }
  }
  window.addEventListener("hashchange", open);
  open();
})();
