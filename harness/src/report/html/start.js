
// A timeline is read and drawn when its scenario is first opened: a page may hold hundreds of them.
const timelines = {
  drawn: new Map(),
  open(view) {
    const place = view.querySelector(".timeline");
    if (!place || this.drawn.has(view)) return;
    place.dataset.of = view.id;
    const timeline = new Timeline(place, JSON.parse(place.nextElementSibling.textContent));
    this.drawn.set(view, timeline);
    view.addEventListener("click", (event) => {
      const { seq, step } = event.target.dataset;
      if (seq !== undefined) timeline.evidence(Number(seq));
      if (step === undefined) return;
      for (const row of all(".steps tr.chosen", view)) row.classList.remove("chosen");
      event.target.closest("tr").classList.add("chosen");
      timeline.step(step);
    });
  },
};

document.documentElement.classList.add("js");
theme();
filters();
copying();
addEventListener("hashchange", () => route(timelines));
route(timelines);
