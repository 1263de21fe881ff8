
/* ---- What lies under the mouse */
function distance(px, py, x0, y0, x1, y1) {
  const l = (x1 - x0) * (x1 - x0) + (y1 - y0) * (y1 - y0);
  const s = l ? Math.max(0, Math.min(1, ((px - x0) * (x1 - x0) + (py - y0) * (y1 - y0)) / l)) : 0;
  return Math.hypot(px - x0 - s * (x1 - x0), py - y0 - s * (y1 - y0));
}
function hitAt(x, y) {
  if (x < GUTTER) return null;
  if (y > RULER && y < RULER + FAULTS) {
    const p = partitions.find((q) => X(q.begin) - 2 <= x && x <= X(q.end) + 2);
    if (p) return { partition: p };
  }
  for (const m of drawn.marks || []) {
    if (Math.hypot(x - m.x, y - m.y) < 9) return { mark: m.mark };
  }
  const c = Math.floor((y - clientY(0)) / CLIENT);
  if (c >= 0 && c < clients) {
    const o = operations.findLast((p) => p.client === c && showsOperation(p) &&
      X(p.begin) - 2 <= x && x <= X(p.end || last) + 2);
    if (o) return { operation: o };
  }
  let best = null, near = 6;
  for (const m of drawn.list || []) {
    const d = distance(x, y, ...ends(m)) + (focusKey >= 0 && m.key !== focusKey ? 1 : 0);
    if (d < near) { near = d; best = m; }
  }
  return best ? { message: best } : null;
}

/* ---- The list */
function fillList() {
  let mine = operations.filter((o) => focusKey < 0 || o.key === focusKey);
  const total = mine.length;
  const anchor = chosen ? chosen.begin : D.time;
  if (mine.length > 400) {
    let middle = mine.findIndex((o) => o.begin >= anchor);
    middle = middle < 0 ? mine.length : middle;
    const from = Math.max(0, Math.min(middle - 300, mine.length - 400));
    mine = mine.slice(from, from + 400);
  }
  at('listhead').textContent = (focusKey < 0 ? 'Operations' : 'Operations on k' + focusKey) +
    ' (' + (mine.length < total ? mine.length + ' of ' : '') + total + ')';
  const body = at('list');
  body.textContent = '';
  let current = null;
  for (const o of mine) {
    const row = body.insertRow();
    const cells = [(o.begin / 1e9).toFixed(6), 'c' + o.client + ' ' + nodeName(o.node), opText(o),
      o.result, o.version];
    cells.forEach((text, i) => {
      const cell = row.insertCell();
      cell.textContent = text;
      if (i === 3 && o.status !== 'ok') cell.className = o.status;
    });
    row.className = (o === guilty ? 'guilty ' : '') + (o === chosen ? 'chosen' : '');
    row.title = describe({ operation: o });
    row.onclick = () => gotoOperation(o);
    if (o === chosen) current = row;
  }
  if (!current && D.failed && mine.length) {
    current = body.rows[Math.max(0, mine.filter((o) => o.begin <= D.time).length - 1)];
  }
  if (current) current.scrollIntoView({ block: 'center' });
}
function step(by) {
  const mine = operations.filter((o) => focusKey < 0 || o.key === focusKey);
  const i = chosen ? mine.indexOf(chosen) : mine.findIndex((o) => o.begin > D.time) - 1;
  gotoOperation(mine[Math.max(0, Math.min(mine.length - 1, i + by))]);
}

/* ---- Filters */
function chip(parent, text, paint, isOn, toggle) {
  const b = document.createElement('button');
  b.className = 'chip';
  if (paint) {
    const dot = document.createElement('i');
    dot.style.background = 'var(' + paint + ')';
    b.append(dot);
  }
  b.append(text);
  b.refresh = () => {
    b.classList.toggle('off', !isOn());
    b.setAttribute('aria-pressed', isOn());
  };
  b.onclick = () => {
    toggle();
    document.querySelectorAll('.chip').forEach((c) => c.refresh());
    redraw();
  };
  b.refresh();
  parent.append(b);
}
function fillFilters() {
  for (let n = 0; n < D.nodes; n++) {
    chip(at('nodes'), nodeName(n), '', () => nodeOn[n], () => { nodeOn[n] = !nodeOn[n]; });
  }
  const counts = D.kinds.map(() => 0);
  for (const m of messages) counts[m.kind]++;
  for (const [name, kinds] of Object.entries(GROUPS)) {
    const isOn = () => kinds.some((k) => kindOn[k]);
    chip(at('groups'), name, PAINT[name], isOn, () => {
      const on = !isOn();
      kinds.forEach((k) => { kindOn[k] = on; });
    });
    for (const k of kinds) {
      chip(at('kinds'), D.kinds[k] + ' ' + counts[k], PAINT[name], () => kindOn[k],
        () => { kindOn[k] = !kindOn[k]; });
    }
  }
  const perKey = new Map();
  for (const o of operations) perKey.set(o.key, (perKey.get(o.key) || 0) + 1);
  const option = (value, text) => {
    const o = document.createElement('option');
    o.value = value;
    o.textContent = text;
    at('key').append(o);
  };
  option(-1, 'all');
  for (const [k, n] of [...perKey].sort((a, b) => a[0] - b[0])) {
    option(k, 'k' + k + ' (' + n + ')' + (k === D.key ? ' - violated' : ''));
  }
  at('key').value = focusKey;
}
function setKey(key) {
  focusKey = key;
  at('key').value = key;
  chosen = chosen && chosen.key === key ? chosen : undefined;
  fillList();
  redraw();
}

/* ---- Mouse and keys */
function listen() {
  let drag = null;
  canvas.addEventListener('wheel', (e) => {
    e.preventDefault();
    if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) {
      pan((e.deltaX || e.deltaY) / width);
    } else {
      zoom(Math.exp(e.deltaY * 0.0016), Math.max(GUTTER, e.offsetX));
    }
  }, { passive: false });
  canvas.addEventListener('pointerdown', (e) => {
    drag = { x: e.clientX, begin: view.begin, end: view.end, moved: false };
    canvas.setPointerCapture(e.pointerId);
  });
  canvas.addEventListener('pointermove', (e) => {
    if (drag) {
      const by = (drag.x - e.clientX) / (width - GUTTER) * (drag.end - drag.begin);
      drag.moved = drag.moved || Math.abs(drag.x - e.clientX) > 3;
      setView(drag.begin + by, drag.end + by);
      return;
    }
    const before = hovered;
    hovered = hitAt(e.offsetX, e.offsetY);
    at('tip').style.display = hovered ? 'block' : 'none';
    if (hovered) {
      at('tip').textContent = describe(hovered);
      at('tip').style.left = Math.min(e.clientX + 14, innerWidth - 390) + 'px';
      at('tip').style.top = Math.min(e.clientY + 14, innerHeight - 110) + 'px';
    }
    if ((before && before.message) !== (hovered && hovered.message)) redraw();
  });
  canvas.addEventListener('pointerup', (e) => {
    const hit = drag && !drag.moved ? hitAt(e.offsetX, e.offsetY) : null;
    drag = null;
    if (hit && hit.operation) {
      chosen = hit.operation;
      setKey(chosen.key);
    } else if (hit && hit.message && hit.message.key >= 0) {
      setKey(hit.message.key);
    }
  });
  canvas.addEventListener('pointerleave', () => { at('tip').style.display = 'none'; });
  const look = (e) => {
    const t = first + (e.offsetX - 4) / Math.max(1, over.clientWidth - 8) * (last - first);
    const half = (view.end - view.begin) / 2;
    setView(t - half, t + half);
  };
  over.addEventListener('pointerdown', look);
  over.addEventListener('pointermove', (e) => { if (e.buttons) look(e); });
  document.addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.tagName === 'SELECT') return;
    const act = { ArrowLeft: () => pan(-0.15), ArrowRight: () => pan(0.15), '+': () => zoom(0.7),
      '=': () => zoom(0.7), '-': () => zoom(1.4), 0: gotoEnd, Home: gotoEnd,
      f: () => setView(first, last), '[': () => step(-1), ']': () => step(1) }[e.key];
    if (act) { e.preventDefault(); act(); }
  });
  at('goto').onclick = gotoEnd;
  at('in').onclick = () => zoom(0.6);
  at('out').onclick = () => zoom(1.7);
  at('fit').onclick = () => setView(first, last);
  at('back').onclick = () => step(-1);
  at('next').onclick = () => step(1);
  at('key').onchange = () => setKey(Number(at('key').value));
  at('only').onchange = () => { only = at('only').checked; redraw(); };
  addEventListener('resize', redraw);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
}

/* ---- Begin */
function begin() {
  const word = D.verdict.split(/[ :]/)[0];
  at('head').classList.toggle('failed', D.failed);
  const strong = document.createElement('b');
  strong.textContent = word;
  at('verdict').append(strong, D.verdict.slice(word.length));
  document.title = D.verdict.slice(0, 80);
  at('replay').textContent = D.replay;
  at('goto').textContent = D.failed ? 'violation (0)' : 'end (0)';
  fillFilters();
  listen();
  gotoEnd();
  draw();
  fillList();
}
/* With #selftest, say in the document what was drawn: tests/page.sh reads it. */
function selftest() {
  const say = [];
  const note = (name, value) => say.push(name + '=' + value);
  draw();
  note('lanes', drawn.lanes);
  note('arrows', drawn.arrows);
  note('violation', drawn.violation ? 'visible' : 'hidden');
  note('rows', at('list').rows.length);
  note('guilty', document.querySelectorAll('tr.guilty').length);
  setView(first, last);
  draw();
  note('all_messages', drawn.messages);
  note('all_lost', drawn.lost);
  note('all_cuts', drawn.cuts);
  note('all_operations', drawn.operations);
  const none = (names) => [...new Set(names)].join() || 'none';
  note('kinds_unpainted', none(D.kinds.filter((_, k) => !colours[PAINT[groupOf[k]]])));
  const held = marks.filter((m) => m.kind === MEMBER);
  note('states', new Set(held.map((m) => m.state)).size);
  note('states_unpainted', none(held.filter((m) => !colours[STATE_PAINT[m.state]])
    .map((m) => m.text.split(' ').at(-1))));
  const toggle = (text) => [...document.querySelectorAll('.chip')]
    .find((c) => c.textContent === text).click();
  toggle('membership');
  draw();
  note('without_membership', drawn.messages);
  toggle('membership');
  toggle('a');
  draw();
  note('without_a', drawn.messages);
  toggle('a');
  at('only').click();
  draw();
  note('only_key', drawn.messages);
  at('only').click();
  gotoEnd();
  const span = view.end - view.begin;
  zoom(0.5);
  note('zoomed', Math.abs((view.end - view.begin) / span - 0.5) < 0.01);
  draw();
  const hit = drawn.list.map((m) => { const e = ends(m); return hitAt((e[0] + e[2]) / 2,
    (e[1] + e[3]) / 2); }).find((h) => h && h.message);
  note('hover', hit ? describe(hit).split(' ')[0] : 'nothing');
  const out = document.createElement('pre');
  out.id = 'selftest';
  out.textContent = say.join(' ');
  document.body.append(out);
}
begin();
if (location.hash === '#all') setView(first, last);
if (location.hash === '#selftest') selftest();
