// Files of numbers beside the summary: a list of the things that have numbers, and each thing by itself.
const makerOf = path => Object.keys(stages).find(name => stages[name].outs.some(out => out.path === path));
const valueOf = number => number == null ? "null" : String(number);

Object.assign(views, {
  figures(path) {
    const file = data.figures.find(one => one.path === path);
    if (!file) return null;
    return [
      heading("Numbers", path),
      table("Numbers by what they tell of", ["what", "numbers", "rests on"], file.things.map(thing => [
        to("thing", `${path}:${thing.key}`, thing.name), Object.keys(thing.numbers).length,
        thing.outs.length ? thing.outs.map(out => [outLink(out), " "]) : "all that its stage reads",
      ]), "wide"),
      madeBy(file.stage),
    ];
  },

  thing(name) {
    const cut = name.indexOf(":"), path = name.slice(0, cut), key = name.slice(cut + 1);
    const file = data.figures.find(one => one.path === path);
    const thing = cut < 0 || !file ? null : file.things.find(one => one.key === key);
    if (!thing) return null;
    const first = Object.keys(thing.numbers)[0];
    return [
      heading("Numbers", thing.name),
      told([["stands in", to("figures", path, code(path))], ["made by", stageLink(file.stage)], ["typed", code(`synthtrace trace ${path}:${first}`)]]),
      table("Numbers", ["number", "value"], Object.entries(thing.numbers).map(([one, value]) => [code(one), valueOf(value)]), "wide"),
      h("h2", null, "Computed from"),
      thing.outs.length
        ? table("Computed from", ["out", "made by"], thing.outs.map(out => [outLink(out), stageLink(makerOf(out))]), "wide")
        : h("p", { class: "small soft" }, "All that its stage reads."),
      madeBy(file.stage),
    ];
  },
});
