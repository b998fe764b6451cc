/** One tab that edits a match at random, over a connection that fails at random. */

async (match) => {
  const api = await import("/web/lib/api.js");
  const { LOOK, MatchStore } = await import("/web/match/store.js");
  const LABELS = ["Goal", "Corner", "Foul"];
  const WAYS = ["cut before", "cut after", "cut in the answer", 429, 500, 502, 503, 504, "500 after", "503 after", "slow"];
  Object.assign(api.PACE, { ping: 0.02, retry: 0.005, longest: 0.05 });
  Object.assign(LOOK, { seconds: 0.4, hiddenSeconds: 0.4 });
  api.session.current = { name: "local", role: "admin", csrf: null, guest_of: null };

  let state = 1;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const pick = (items) => items[Math.floor(random() * items.length)];
  const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

  const log = [];
  const tab = { match, isAlone: true, store: null, rate: 0, faults: {}, edits: {}, refused: [] };
  const reach = window.fetch.bind(window);
  window.fetch = async (path, init) => {
    const way = String(path).startsWith("/health") || random() >= tab.rate ? null : pick(WAYS);
    if (way === null) return reach(path, init);
    if (init?.method !== "GET") log.push(`${init?.method} fails: ${way}`);
    const name = `${way}${init?.method === "GET" ? "" : " (change)"}`;
    tab.faults[name] = (tab.faults[name] ?? 0) + 1;
    const headers = [429, 503].includes(way) ? { "Retry-After": "0.01" } : {};
    if (typeof way === "number") return new Response("{}", { status: way, headers });
    if (way === "cut before") throw new TypeError("cut before the server knew");
    const answer = await reach(path, init);
    await answer.clone().arrayBuffer();
    if (way === "cut after") throw new TypeError("cut after the server acted");
    if (way === "cut in the answer") {
      const torn = new ReadableStream({ start: (to) => to.error(new TypeError("cut")) });
      return answer.status === 304 ? answer : new Response(torn, { status: 200 });
    }
    if (way === "slow") await pause(random() * 0.05);
    return way === "slow" ? answer : new Response("{}", { status: parseInt(way, 10), headers: { "Retry-After": "0.01" } });
  };

  tab.open = async () => {
    tab.store?.stop();
    const store = new MatchStore(await api.get(`/v1/matches/${tab.match}`));
    store.addEventListener("problem", (event) => log.push(`said: ${event.detail}`));
    await store.start();
    tab.store = store;
  };

  /** What a person alone would have, by the rules of undo and redo. */
  const model = { now: null, done: [], undone: [] };
  const read = () => JSON.parse(JSON.stringify([
    Object.fromEntries(tab.store.sorted.map((e) => [e.id, { label: e.label, time: e.time, team: e.team, note: e.note, status: e.status }])),
    Object.fromEntries(tab.store.reels.map((r) => [r.id, [r.title, r.reel.clips.map((c) => [c.start, c.end])]])),
  ]));
  const did = (next) => {
    if (JSON.stringify(next) === JSON.stringify(model.now)) return;
    model.done.push(model.now);
    model.undone = [];
    model.now = next;
  };
  const sorted = (value) => JSON.stringify(value, (_, v) => (v && typeof v === "object" && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort()) : v));

  const ways = {
    add(next) {
      const values = { time: Math.round(random() * 4000) / 1000, label: pick(LABELS), note: pick([null, "new"]) };
      const id = tab.store.add(values);
      next[0][id] = { ...values, team: null, status: "accepted" };
    },
    change(next) {
      const id = pick(Object.keys(next[0]));
      const values = pick([
        { label: pick(LABELS) }, { team: pick(["home", "away", null]) }, { note: `note ${Math.floor(random() * 99)}` },
        { status: pick(["accepted", "rejected", "pending"]) }, { time: Math.round(random() * 4000) / 1000 },
        { team: pick(["home", "away"]), note: "both" },
      ]);
      if (!id) return;
      tab.store.change(id, values);
      Object.assign(next[0][id], values);
    },
    remove(next) {
      const id = pick(Object.keys(next[0]));
      if (!id) return;
      tab.store.remove(id);
      delete next[0][id];
    },
    review(next) {
      const ids = Object.keys(next[0]).filter(() => random() < 0.5);
      const status = pick(["accepted", "rejected"]);
      tab.store.review(ids, status);
      for (const id of ids) next[0][id].status = status;
    },
    reel(next) {
      const id = pick(Object.keys(next[1]));
      if (!id) return;
      if (random() < 0.15) {
        tab.store.removeReel(id);
        delete next[1][id];
        return;
      }
      const title = `reel ${Math.floor(random() * 99)}`;
      const clips = [{ start: Math.floor(random() * 20) / 10, end: 3 + Math.floor(random() * 10) / 10 }];
      const values = pick([{ title }, { clips }, { title, clips }]);
      tab.store.changeReel(id, values);
      next[1][id] = [values.title ?? next[1][id][0], values.clips ? clips.map((c) => [c.start, c.end]) : next[1][id][1]];
    },
    undo() {
      tab.store.undo();
      if (!model.done.length) return;
      model.undone.push(model.now);
      model.now = model.done.pop();
    },
    redo() {
      tab.store.redo();
      if (!model.undone.length) return;
      model.done.push(model.now);
      model.now = model.undone.pop();
    },
  };
  const CHANCES = ["add", "change", "change", "change", "change", "remove", "review", "reel", "reel", "undo", "undo", "undo", "undo", "redo", "redo"];

  /** A person edits what is on show: after an undo, what the undo has made. */
  const seen = async () => {
    for (let turn = 0; tab.isAlone && turn < 1000 && sorted(read()) !== sorted(model.now); turn += 1) await pause(0.005);
  };

  /** Edit so many times, sometimes with a pause, sometimes with the page closed and opened. */
  tab.act = async (seed, count, rate) => {
    state = seed;
    tab.rate = rate;
    model.now ??= read();
    for (let turn = 0; turn < count; turn += 1) {
      const way = pick(CHANCES);
      tab.edits[way] = (tab.edits[way] ?? 0) + 1;
      await seen();
      if (!tab.isAlone) model.now = read();
      for (let times = ["undo", "redo"].includes(way) && random() < 0.3 ? 4 : 1; times > 0; times -= 1) {
        const next = structuredClone(model.now);
        log.push(way);
        ways[way](next);
        if (!["undo", "redo"].includes(way)) did(next);
      }
      if (random() < 0.3) await pause(random() * 0.03);
      if (random() < 0.06) await again();
    }
  };

  /** Leave the match, while an edit may be on its way, and open it again. */
  const again = async () => {
    log.push("reload");
    tab.edits.reload = (tab.edits.reload ?? 0) + 1;
    for (;;) {
      try {
        return await tab.open();
      } catch (error) {
        if (!api.isPassing(error)) throw error;
        await pause(0.01);
      }
    }
  };

  /** Wait until nothing is to be saved; edits that were refused are counted, and sent again. */
  tab.quiet = async (seconds) => {
    const end = performance.now() + seconds * 1000;
    while (tab.store.unsaved || tab.store.refused.length) {
      for (const edit of tab.store.refused) {
        tab.refused.push(`${edit.kind}: ${edit.refused}`);
        tab.store.retry(edit);
      }
      if (performance.now() > end) return false;
      await pause(0.002);
    }
    return true;
  };

  /**
   * What is wrong with what is shown: alone, at once; else once the changes of others were read.
   */
  tab.wrong = async (seconds) => {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      if (!tab.isAlone) document.dispatchEvent(new Event("visibilitychange"));
      const wrong = await compare();
      if (wrong === null || tab.isAlone || performance.now() > end) return wrong;
      await pause(0.05);
    }
  };

  const all = async (path) => {
    const answer = await reach(`/v1/matches/${tab.match}/${path}`);
    return new Map((await answer.json()).items.map((row) => [row.id, row]));
  };

  const compare = async () => {
    const { sorted: events, reels } = tab.store;
    const { canUndo, canRedo } = tab.store;
    const shown = [events, reels].map((rows) => new Map(rows.map((row) => [row.id, row])));
    const there = [await all("events?limit=1000"), await all("reels")];
    for (const [place, ours] of shown.entries()) {
      for (const id of new Set([...ours.keys(), ...there[place].keys()])) {
        const [page, server] = [sorted(ours.get(id)), sorted(there[place].get(id))];
        if (page !== server) return `the page has ${page}, the server ${server}`;
      }
    }
    if (!tab.isAlone) return null;
    if (sorted(read()) !== sorted(model.now)) return `edits make ${sorted(model.now)}, not ${sorted(read())}: ${log.join(", ")}`;
    const isRight = canUndo === model.done.length > 0 && canRedo === model.undone.length > 0;
    return isRight ? null : `undo and redo: ${canUndo} and ${canRedo}: ${log.join(", ")}`;
  };

  /** Go on with another match. */
  tab.begin = async (other, isAlone) => {
    Object.assign(tab, { match: other, isAlone, rate: 0 });
    log.length = 0;
    Object.assign(model, { now: null, done: [], undone: [] });
    await tab.open();
  };
  /** What was done and seen so far. */
  tab.counts = () => {
    const { edits, faults, refused } = tab;
    Object.assign(tab, { edits: {}, faults: {}, refused: [] });
    return { edits, faults, refused };
  };
  /** Before the page is loaded anew: what a person remembers. */
  tab.keep = () => sessionStorage.setItem("model", JSON.stringify([tab.isAlone, model]));
  const kept = sessionStorage.getItem("model");
  if (kept) [tab.isAlone] = JSON.parse(kept);
  if (kept) Object.assign(model, JSON.parse(kept)[1]);
  sessionStorage.removeItem("model");
  window.tab = tab;
  await tab.open();
}
