"use strict";
// The page is one view at a time, named by location.hash, so that the browser's back and forward work. Everything is drawn
// from the JSON in #data with DOM calls: no text of a study is ever parsed as HTML.
const data = JSON.parse(document.getElementById("data").textContent);
const { study, numbers, predictions, pools, real, checkpoints, stages, sources } = data;
const unit = study.patient_ids ? "patient" : "image";

function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) if (value != null) node.setAttribute(name, value);
  node.append(...children.flat(9).filter(child => child != null && child !== ""));
  return node;
}
const to = (view, name, ...shown) => h("a", { href: `#${view}/${encodeURI(name)}` }, shown.length ? shown : name);
const code = (text, title) => h("code", { class: "hash", title }, text);
const short = digest => digest == null ? "unknown" : code(digest.slice(0, 12), digest);
const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
const fixed = value => value == null ? "n/a" : value.toFixed(3).replace("-", "\u2212");
const heading = (kind, ...shown) => [h("p", { class: "kind" }, kind), h("h1", { tabindex: "-1" }, shown)];
const list = (name, items) => h("ul", { class: name }, items.map(item => h("li", null, item)));
const fold = (summary, ...inside) => h("details", null, h("summary", null, summary), h("div", { class: "inside" }, inside));

function told(pairs) {
  const shown = pairs.filter(([, value]) => value && value.length !== 0);
  return h("dl", { class: "told" }, shown.map(([name, value]) => [h("dt", null, name), h("dd", null, value)]));
}
// `wrap`: text wraps; `wide`: also, on a phone, a row's cells lie below each other, named by data-name
function table(label, head, rows, kind) {
  const isCount = place => rows.length > 0 && typeof rows[0][place] === "number";
  const heads = head.map((name, place) => h("th", { scope: "col", class: isCount(place) ? "n" : null }, name));
  const cell = (value, place) => h(place ? "td" : "th", { class: isCount(place) ? "n" : null, scope: place ? null : "row", "data-name": head[place] },
    typeof value === "number" ? value.toLocaleString("en") : value);
  const body = rows.map(row => h("tr", null, row.map(cell)));
  return h("div", { class: `scroll ${kind || ""}`, role: "region", "aria-label": label, tabindex: "0" },
    h("table", null, h("thead", null, h("tr", null, heads)), h("tbody", null, body)));
}
const picture = (uri, alt) => uri ? h("img", { src: uri, alt, title: alt }) : null;

// what is looked up by name
const images = new Map();
for (const pool of pools) {
  pool.name = `${pool.kind}/${pool.fold}`;
  pool.images = pool.rows.map(row => Object.fromEntries(pool.columns.map((column, place) => [column, row[place]])));
  for (const image of pool.images) images.set(image.image_id, { ...image, pool });
}
const patients = new Map();
for (const [id, image] of Object.entries(real)) {
  if (!patients.has(image.patient_id)) patients.set(image.patient_id, []);
  patients.get(image.patient_id).push({ id, ...image });
}
const headline = scenario => `scenarios.${scenario}.auc_image.mean`;
const scenarioOf = key => Object.keys(predictions).find(name => `.${key}`.includes(`.scenarios.${name}.`));
const poolOf = checkpoint => pools.find(pool => Object.values(pool.checkpoints).includes(checkpoint));
const checkpointOf = pool => Object.values(pool.checkpoints).find(path => path);
const whose = id => real[id] ? [to("patient", real[id].patient_id, `${unit} ${real[id].patient_id}`), `, ${real[id].label_name}`] : "not in the data set";

// number <- predictions <- pool <- image <- checkpoint <- patients, as far as a view settles them
function chain(step, { key, scenario, pool, image, checkpoint }) {
  const steps = [
    ["Number", key && ["number", key]],
    ["Predictions", scenario && ["predictions", scenario]],
    ["Pool", pool && ["pool", pool.name]],
    ["Image", image && ["image", image]],
    ["Checkpoint", checkpoint && ["checkpoint", checkpoint]],
    ["Patients", checkpoint && ["patients", checkpoint]],
  ];
  return h("ol", { class: "chain" }, steps.map(([name, target]) =>
    h("li", null, name === step ? h("span", { "aria-current": "step" }, name) : target ? to(...target, name) : h("span", null, name))));
}
const alongPool = pool => ({ key: headline(pool.kind), scenario: pool.kind, pool, checkpoint: checkpointOf(pool) });
function along(checkpoint) {
  const pool = poolOf(checkpoint);
  return pool ? { ...alongPool(pool), checkpoint } : { checkpoint };
}

function counted(counts) {
  const words = Object.entries(counts).flatMap(([name, value]) => {
    const word = name.replaceAll("_", " ");
    if (name === "pass") return value ? "passed" : "failed";
    if (name === "labels") return Object.entries(value).map(([label, count]) => `${count} ${label}`);
    if (name === "folds" && typeof value === "object") return plural(Object.keys(value).length, "fold");
    if (name === "checkpoint") return [];
    return value === 1 ? `1 ${word === "copies" ? "copy" : word.replace(/s$/, "")}` : `${value.toLocaleString("en")} ${word}`;
  });
  return words.join(", ");
}
const stageLink = name => name ? to("stage", name, code(name)) : "no stage";

function outLink(path) {
  if (checkpoints[path]) return to("checkpoint", path, code(path));
  const pool = pools.find(one => one.path === path);
  if (pool) return to("pool", pool.name, code(path));
  const scenario = Object.keys(predictions).find(name => predictions[name].path === path);
  return scenario ? to("predictions", scenario, code(path)) : code(path);
}
function madeBy(...names) {
  return names.filter(name => stages[name]).map(name => fold(`Made by ${name}`, stageTold(name)));
}
function stageTold(name) {
  const stage = stages[name], run = stage.run;
  const params = Object.entries(stage.params).map(([key, value]) => [code(key), code(JSON.stringify(value))]);
  return [
    told([
      ["what it does", stage.does],
      ["command", code(stage.command)],
      ["code", Object.entries(stage.code).map(([key, digest]) => [key, " ", short(digest), " "])],
      ["Git commit", run && (run.commit ? code(run.commit) : "none")],
      ["W&B run", run && run.wandb && `${run.wandb.id} (${run.wandb.mode})`],
      ["device", run && `${run.device || "cpu"}, ${plural(run.threads, "thread")}${run.deterministic ? ", deterministic" : ""}`],
      ["started, took", run && `${run.started}, ${run.seconds} s`],
      ["ran under", run && `Python ${run.python}, ${run.platform}`],
      ["record", run ? code(run.record) : "none was kept of this run"],
    ]),
    table(`What ${name} wrote`, ["wrote", "digest", "holds"], stage.outs.map(out => [outLink(out.path), short(out.digest), counted(out.counts)]), "wide"),
    stage.deps.length ? table(`What ${name} read`, ["read", "digest", "made by"], stage.deps.map(dep => [outLink(dep.path), [short(dep.digest), dep.agrees === false ? h("b", { class: "failed" }, " differs from its maker's") : ""], makers(dep)]), "wide") : "",
    params.length ? table(`Parameters of ${name}`, ["parameter", "value"], params, "wrap") : "",
  ];
}
function makers(dep) {
  const names = [...new Set(dep.from.map(one => one.stage))];
  if (!names.length) return to("source", dep.path, "no stage: a source");
  const groups = new Map();
  for (const name of names) groups.set(name.split("@")[0], [...(groups.get(name.split("@")[0]) || []), name]);
  return [...groups.values()].map(group => [group.map(name => [to("stage", name, name), " "])]);
}

const views = {
  ""() {
    const cells = ["auc_image.mean", "auc_patient.mean", "versus_real.difference", "versus_real_patient.difference"];
    const scenarios = Object.keys(predictions).map(name => [to("predictions", name, name), ...cells.map(cell => {
      const key = `scenarios.${name}.${cell}`;
      return key in numbers ? to("number", key, fixed(numbers[key])) : h("span", { class: "soft" }, "reference");
    })]);
    const groups = new Map();
    for (const name of Object.keys(stages)) groups.set(name.split("@")[0], [...(groups.get(name.split("@")[0]) || []), name]);
    const shown = pools.reduce((sum, pool) => sum + pool.images.length, 0);
    const kept = pools.reduce((sum, pool) => sum + pool.counts.kept, 0);
    return [
      h("h1", { tabindex: "-1" }, "Where each number comes from"),
      h("ul", { class: "facts" },
        [["data set", study.name], ["patients", study.patients], ["images", study.images], ["folds", Object.keys(study.folds).length], ["mixing rate", study.mixing_rate]]
          .filter(([name]) => study.patient_ids || name !== "patients").map(([name, value]) => h("li", null, `${name} `, h("b", null, String(value))))),
      h("p", null, "Choose a number and walk back: to the predictions it is computed from, the pools of synthetic images their classifiers trained on, a single image, the checkpoint that drew it, and the patients that the checkpoint saw."),
      data.notes.map(note => h("p", { class: "note" }, note)),
      h("h2", null, "Numbers"),
      table("Numbers by scenario", ["scenario", "AUC, images", "AUC, patients", "versus real, images", "versus real, patients"], scenarios),
      fold(`All ${Object.keys(numbers).length} numbers of ${study.summary}`, table("All numbers", ["number", "value"], Object.entries(numbers).map(([key, value]) => [to("number", key, code(key)), value == null ? "null" : String(value)]), "wide")),
      data.figures.length ? [h("p", null, "Further numbers:"), list("people", data.figures.map(file => to("figures", file.path, code(file.path))))] : "",
      h("h2", null, "Pools of synthetic images"),
      h("p", { class: "small soft" }, `This page shows ${shown.toLocaleString("en")} of the ${kept.toLocaleString("en")} kept images${shown < kept ? ", spread evenly through each pool; synthtrace trace IMAGE tells of any other" : ": all"}.`),
      table("Pools", ["pool", "candidates", "copies dropped", "kept", "shown here"], pools.map(pool => [to("pool", pool.name, `${pool.kind}, fold ${pool.fold}`), pool.counts.candidates, pool.counts.copies, pool.counts.kept, pool.images.length])),
      h("h2", null, "Models and whom they saw"),
      table("Checkpoints", ["checkpoint", "kind", `${unit}s seen`, "images seen"], Object.entries(checkpoints).map(([path, card]) => [to("checkpoint", path, code(path)), card.kind || "", (card.patient_ids || []).length, (card.image_ids || []).length])),
      h("h2", null, "Patients"),
      h("p", { class: "small soft" }, "The study's own ids, which the names of images hold too: hand this page on only where these ids may go. The data cards of synthtrace export carry counts alone."),
      people([...patients.keys()]),
      h("h2", null, "Stages"),
      told([...groups].map(([name, items]) => [
        items[0] === name ? to("stage", name, code(name)) : code(name),
        [stages[items[0]].does, items[0] === name ? "" : [": ", items.map(item => [to("stage", item, item.split("@")[1]), " "])]],
      ])),
      h("h2", null, "Sources"),
      h("p", { class: "small soft" }, "What no stage made: every walk back ends here, or with the seeded phantom."),
      sourceTable(sources),
      h("p", { class: "small soft" }, "Digests are those of dvc.lock: md5, a folder's ending in .dir; checkpoints, pixels and ledger files have sha256. The first twelve characters are shown, the whole in each one's title. synthtrace audit proves them."),
    ];
  },

  number(key) {
    if (!(key in numbers)) return null;
    const scenario = scenarioOf(key), versus = /\.versus_real/.test(key);
    const tables = scenario ? (versus ? [scenario, "real"] : [scenario]) : Object.keys(predictions);
    const around = key.slice(0, key.lastIndexOf(".") + 1).replace(/ci95\.$/, "");
    const beside = Object.keys(numbers).filter(name => around && name.startsWith(around) && name !== key);
    const maker = Object.keys(stages).find(name => stages[name].outs.some(out => out.path === study.summary));
    return [
      heading("Number", key),
      h("p", { class: "value" }, numbers[key] == null ? "null" : String(numbers[key])),
      told([["stands in", code(study.summary)], ["made by", stageLink(maker)], ["typed", code(`synthtrace trace ${study.summary}:${key}`)]]),
      h("h2", null, "Computed from these predictions"),
      scenario ? h("p", { class: "small soft" }, `The stage reads every scenario's table; this number comes from ${versus ? "these two" : "this one"}.`) : "",
      table("Predictions", ["scenario", "patients", "images", "training seeds", "folds"], tables.map(name => [to("predictions", name, name), ...["patients", "images", "seeds", "folds"].map(count => predictions[name].counts[count])])),
      beside.length ? [h("h2", null, "Beside it"), table("Numbers beside it", ["number", "value"], beside.map(name => [to("number", name, code(name.slice(around.length))), fixed(numbers[name])]))] : "",
      madeBy(maker),
    ];
  },

  predictions(name) {
    const one = predictions[name];
    if (!one) return null;
    const size = (fold, role) => { const found = study.folds[fold][role]; return found ? `${plural(found.patients, "patient")}, ${plural(found.images, "image")}` : "none"; };
    const rows = Object.keys(study.folds).map(number => {
      const pool = pools.find(found => found.kind === name && found.fold === Number(number));
      const mixed = one.mixed_in[number];
      return [`fold ${number}`, size(number, "train"), mixed ? (pool ? to("pool", pool.name, `${mixed} of the pool's ${pool.counts.kept}`) : `${mixed} random crops`) : "none", size(number, "test")];
    });
    return [
      heading("Predictions", name),
      told([["table", code(one.path)], ["holds", counted(one.counts)], ["classifiers drew", counted(one.classifiers)], ["made by", stageLink(one.stage)]]),
      h("h2", null, "What its classifiers trained on"),
      h("p", { class: "small soft" }, "Every patient is scored by models that never saw it. Mixed-in images are counted once, however many training seeds drew them."),
      table("Folds", ["fold", "real images", "mixed in", "scored"], rows, "wide"),
      h("h2", null, "Numbers computed from it"),
      table("Numbers", ["number", "value"], Object.keys(numbers).filter(key => key.startsWith(`scenarios.${name}.`)).map(key => [to("number", key, code(key.slice(`scenarios.${name}.`.length))), fixed(numbers[key])])),
      madeBy(one.stage),
    ];
  },

  pool(name) {
    const pool = pools.find(one => one.name === name);
    if (!pool) return null;
    const labels = study.labels.map((label, place) => [label, pool.images.filter(image => image.label === place)]);
    const { kept, candidates, copies } = pool.counts;
    return [
      heading("Pool", `${pool.kind}, fold ${pool.fold}`),
      told([
        ["folder", code(pool.path)],
        ["candidates", counted({ candidates, ...(pool.counts.labels ? { labels: pool.counts.labels } : {}) })],
        ["conditioned on", pool.counts.condition_images ? `maps of ${plural(pool.counts.condition_images, "training image")} of ${plural(pool.counts.condition_patients, "patient")}` : "labels alone"],
        ["selection", `${copies} copies dropped, ${kept} kept`],
        ["drawn from", Object.entries(pool.checkpoints).map(([digest, path]) => [path ? to("checkpoint", path, code(path)) : "a checkpoint that is not there", " ", short(digest), " "])],
        ["used by", to("predictions", pool.kind, `${pool.kind} predictions`)],
      ]),
      h("h2", null, "Kept images"),
      h("p", { class: "small soft" }, pool.images.length < kept ? `${pool.images.length} of ${kept}, spread evenly through the pool; synthtrace trace IMAGE tells of any other.` : `All ${kept}.`),
      labels.map(([label, found]) => [h("h3", null, `${label} (${found.length})`), thumbs(found, label)]),
      madeBy(pool.stage, pool.selected_by),
    ];
  },

  image(id) {
    const image = images.get(id);
    if (!image) return [heading("Image", id), h("p", null, "This page does not show this image: it was not kept, or the page would have grown too large. In a terminal, "), h("p", null, code(`synthtrace trace ${id}`)), h("p", null, "tells of any image of a pool.")];
    const { pool } = image, label = study.labels[image.label];
    const path = pool.checkpoints[image.checkpoint], card = checkpoints[path];
    const beside = (title, ref, extra) => ref ? h("figure", null, picture((real[ref] || {}).picture, `real image ${ref}`), h("figcaption", null, h("b", null, title), whose(ref), h("br"), ref, extra)) : "";
    return [
      heading("Synthetic image", id),
      h("div", { class: "trio" },
        h("figure", null, picture(image.picture, `synthetic image ${id}, ${label}`), h("figcaption", null, h("b", null, "synthetic"), label)),
        beside("its map came from", image.condition_image_id, ""),
        beside("nearest training image", image.nearest_real_id, `, distance ${fixed(image.nearest_real_distance)}`)),
      told([
        ["label", `${label} (${image.label})`],
        ["pool", to("pool", pool.name, `${pool.kind}, fold ${pool.fold}`)],
        ["checkpoint", [path ? to("checkpoint", path, code(path)) : "not there", " ", short(image.checkpoint)]],
        ["which saw", card && to("patients", path, `${plural(card.patient_ids.length, unit)}, ${plural(card.image_ids.length, "image")}`)],
        ["noise seed", code(image.seed)],
        ["map distorted by seed", image.condition_seed && code(image.condition_seed)],
        ["batch", String(image.batch)],
        ["sampler", `${image.sampler}, ${plural(image.steps, "step")}, guidance ${image.guidance_scale}`],
        ["selection", `kept; the nearest training image lies at distance ${fixed(image.nearest_real_distance)} (0: the same, 2: its negative)`],
        ["drawn by classifiers", image.drawn || "none"],
        ["sha256 of its pixels", code(image.pixel_hash)],
        ["sha256 of its file", code(image.file_sha256)],
        ["drawn again by", code(`synthtrace replay ${id}`)],
        ["walked back by", code(`synthtrace trace ${id}`)],
      ]),
      madeBy(pool.stage, pool.selected_by),
    ];
  },

  checkpoint(path) {
    const card = checkpoints[path];
    if (!card) return null;
    const pool = poolOf(path);
    const read = stages[card.stage].deps.flatMap(dep => Object.keys(checkpoints).filter(one => checkpoints[one].out === dep.path && (!card.space || !checkpoints[one].space || checkpoints[one].space === card.space)));
    return [
      heading("Checkpoint", path),
      told([
        ["what", `${card.kind || "model"}${card.fold == null ? "" : `, fold ${card.fold}`}`],
        ["saw", card.patient_ids && to("patients", path, `${plural(card.patient_ids.length, unit)}, ${plural(card.image_ids.length, "image")}`)],
        ["drew", pool && to("pool", pool.name, `the pool ${pool.kind}, fold ${pool.fold}`)],
        ["stands on", read.map(dep => [to("checkpoint", dep, code(dep)), " "])],
        ["seed, steps", `${card.seed}, ${card.steps}`],
        ["losses", card.losses && code(JSON.stringify(card.losses))],
        ["kept of", card.kind === "classifier" && "many: of a scenario's trainings the first backbone's, seed's and fold's model is kept"],
        ["digest (sha256)", code(card.checkpoint)],
        ["weights (sha256)", Object.entries(card.weights || {}).map(([file, digest]) => h("div", null, file, " ", short(digest)))],
      ]),
      madeBy(card.stage),
    ];
  },

  patients(path) {
    const card = checkpoints[path];
    if (!card || !card.patient_ids) return null;
    const held = [...patients.keys()].filter(id => !card.patient_ids.includes(id));
    return [
      heading("Patients seen by", path),
      h("p", null, `Its training drew ${plural(card.image_ids.length, "image")} of ${plural(card.patient_ids.length, unit)}, as the training loop recorded them, batch by batch.`),
      people(card.patient_ids),
      held.length < patients.size ? [h("h2", null, "Patients of the study that it never saw"), people(held)] : h("p", { class: "small soft" }, "None of them belongs to the study's data set."),
      told([["checkpoint", to("checkpoint", path, code(path))]]),
    ];
  },

  patient(id) {
    const own = patients.get(id);
    if (!own) return null;
    const saw = Object.entries(checkpoints).filter(([, card]) => (card.patient_ids || []).includes(id));
    const trained = Object.entries(predictions).filter(([, one]) => one.drew[id]).map(([name, one]) => h("div", null, to("predictions", name, name), `: folds ${one.drew[id].join(", ")}`));
    const like = pools.flatMap(pool => pool.images.filter(image => (real[image.condition_image_id] || {}).patient_id === id));
    return [
      heading(unit === "patient" ? "Patient" : "Image", id),
      told([
        ["label", [...new Set(own.map(image => image.label_name))].join(", ")],
        ["images", String(own.length)],
        ["scored in fold", (study.tested[id] || []).join(", ") || "none"],
      ]),
      table("Images", ["image", "id", "file in the raw data", "pixels (sha256)"], own.map(image => [picture(image.picture, `real image ${image.id}`) || "no picture", image.id, code(image.original_path || ""), short(image.pixel_hash)]), "wide"),
      h("h2", null, "Models that saw it"),
      told([["classifiers trained on it", trained]]),
      h("p", { class: "small soft" }, "Of each scenario one classifier was kept. The kept models that drew its images:"),
      table("Models that saw it", ["checkpoint", "kind", "fold"], saw.map(([path, card]) => [to("checkpoint", path, code(path)), card.kind || "", card.fold == null ? "" : String(card.fold)])),
      h("h2", null, "Synthetic images from its maps"),
      like.length ? [h("p", { class: "small soft" }, `${plural(like.length, "image")} among those shown on this page.`), thumbs(like)] : h("p", { class: "small soft" }, "None among those shown on this page."),
    ];
  },

  stage(name) {
    return stages[name] ? [heading(stages[name].gate ? "Gate" : "Stage", name), stageTold(name)] : null;
  },

  source(path) {
    const found = sources.filter(source => source.path === path);
    return found.length ? [heading("Source", path), sourceTable(found), h("h2", null, "Read by"), list("people", found.flatMap(source => source.read_by).map(name => to("stage", name, name)))] : null;
  },
};

function sourceTable(found) {
  const kinds = { dvc: "added to DVC", git: "in Git", external: "outside the repository", untracked: "not in Git" };
  return table("Sources", ["path", "kept", "digest", "holds"], found.map(source => [to("source", source.path, code(source.path)), kinds[source.kind] + (source.file ? `: ${source.file}` : ""), short(source.digest), counted(source.counts)]), "wide");
}
function thumbs(found, label) {
  return list("thumbs", found.map(image => to("image", image.image_id, picture(image.picture, `${image.image_id}${label ? `, ${label}` : ""}`))));
}
function people(ids) {
  return list("people", ids.map(id => patients.has(id) ? to("patient", id, id) : h("span", null, id)));
}
const contexts = {
  number: key => ({ key, scenario: scenarioOf(key) }),
  predictions: name => ({ key: headline(name), scenario: name }),
  pool: name => alongPool(pools.find(pool => pool.name === name)),
  image: id => images.has(id) ? { ...alongPool(images.get(id).pool), image: id, checkpoint: images.get(id).pool.checkpoints[images.get(id).checkpoint] } : {},
  checkpoint: along,
  patients: along,
};

function readable(hash) {
  try {
    return decodeURI(hash);
  } catch {
    return hash; // typed by hand, with a lone %
  }
}
function draw() {
  const hash = readable(location.hash.slice(1)), cut = hash.indexOf("/");
  const view = cut < 0 ? hash : hash.slice(0, cut), name = cut < 0 ? "" : hash.slice(cut + 1);
  const known = Object.hasOwn(views, view) && views[view](name);
  const shown = known || [h("h1", { tabindex: "-1" }, "Not on this page"), h("p", null, `Nothing here is called ${hash}. `, h("a", { href: "#" }, "All numbers"))];
  const step = view.charAt(0).toUpperCase() + view.slice(1);
  document.getElementById("chain").replaceChildren(known && contexts[view] ? chain(step, contexts[view](name)) : "");
  document.getElementById("view").replaceChildren(...shown.flat(9).filter(node => node));
  document.title = view ? `${name}: lineage of ${study.name}` : `Lineage: ${study.name}`;
}
addEventListener("hashchange", () => {
  draw();
  scrollTo(0, 0);
  document.querySelector("#view h1").focus({ preventScroll: true });
});
