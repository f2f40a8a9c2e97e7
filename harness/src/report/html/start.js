
// A timeline is read and drawn when its scenario is first opened: a page may hold hundreds of them.
const timelines = {
  drawn: new Map(),
  open(view) {
    const place = view.querySelector(".timeline");
    if (!place || this.drawn.has(view)) return;
    place.dataset.of = view.id;
    const data = JSON.parse(place.nextElementSibling.textContent);
    const timeline = new Timeline(place, data);
    timeline.logs = new Logs(view.querySelector(".logs"), data.logs, (moment) => timeline.at(moment));
    this.drawn.set(view, timeline);
    view.addEventListener("click", (event) => {
      const { seq, step } = event.target.dataset;
      if (seq !== undefined) timeline.evidence(Number(seq));
      if (step !== undefined) timeline.step(step);
    });
  },
};

document.documentElement.classList.add("js");
theme();
overview();
copying();
addEventListener("hashchange", () => route(timelines));
route(timelines);
