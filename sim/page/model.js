'use strict';
const D = JSON.parse(document.getElementById('data').textContent);
const at = (id) => document.getElementById(id);
const GUTTER = 78, RULER = 26, FAULTS = 24, CLIENT = 20, NEVER = -1;
const GROUPS = { membership: [0, 1, 2, 3, 4, 5, 15], write: [6, 7], read: [8, 9],
  sync: [10, 11, 12, 13, 14] };
const PAINT = { membership: '--swim', write: '--write', read: '--read', sync: '--sync' };
const OPS = ['?', 'get', 'set', 'delete'];
const OP_PAINT = ['--soft', '--read', '--write', '--gone'];
/* unknown, alive, suspect, unreachable, left, evicted, leaving */
const STATE_PAINT = ['--soft', '--good', '--warn', '--bad', '--soft', '--ink', '--read'];
const BOOT = 1, CRASH = 2, LEAVE = 3, MEMBER = 4, CUT = 5, MEND = 6, CLOCK = 7, FAULT = 8;
const nodeName = (n) => D.names[n] ?? '?';
const groupOf = [];
for (const [name, kinds] of Object.entries(GROUPS)) kinds.forEach((k) => { groupOf[k] = name; });

const messages = D.messages.map((m) => ({ send: m[0], arrival: m[1], from: m[2], to: m[3],
  kind: m[4], key: m[5], bytes: m[6], datagram: m[7] & 1, copy: m[7] & 2,
  lost: m[7] & 4, text: m[8] }));
const operations = D.operations.map((o, i) => ({ index: i, begin: o[0], end: o[1], client: o[2],
  node: o[3], kind: o[4], key: o[5], value: o[6], result: o[7], version: o[8], status: o[9],
  ttl: o[10], number: o[11], next: Infinity })); // next: when its client asks again
operations.forEach((o, i) => {
  const following = operations.find((p, j) => j > i && p.client === o.client);
  if (following) o.next = following.begin;
});
const marks = D.marks.map((m) => ({ time: m[0], kind: m[1], node: m[2], peer: m[3],
  state: m[4], text: m[5] }));
const last = Math.max(D.last, D.time, 1);
let first = last;
for (const m of marks) first = Math.min(first, m.time);
for (const m of messages) first = Math.min(first, m.send);
for (const o of operations) first = Math.min(first, o.begin);
const guilty = D.failed && D.key >= 0
  ? operations.findLast((o) => o.key === D.key && o.end === D.time) : undefined;

/* ---- What the marks add up to: lives, cuts, faults */
const lives = Array.from({ length: D.nodes }, () => []);
const cuts = [];
const cutOpen = new Map();
const instants = [];
function closeCuts(keys, end) {
  for (const k of keys) {
    cuts.push({ from: Math.floor(k / D.nodes), to: k % D.nodes, begin: cutOpen.get(k), end });
    cutOpen.delete(k);
  }
}
for (const m of marks) {
  if (m.kind === BOOT) lives[m.node].push({ begin: m.time, end: last });
  if (m.kind === CRASH && lives[m.node].length) lives[m.node].at(-1).end = m.time;
  if (m.kind === CRASH && !lives[m.node].length) lives[m.node].push({ begin: first, end: m.time });
  if (m.kind === CUT) cutOpen.set(m.node * D.nodes + m.peer, m.time);
  if (m.kind === MEND && cutOpen.has(m.node * D.nodes + m.peer)) {
    closeCuts([m.node * D.nodes + m.peer], m.time);
  }
  if ([BOOT, CRASH, LEAVE, CLOCK, FAULT].includes(m.kind)) instants.push(m);
}
closeCuts([...cutOpen.keys()], last);
lives.forEach((l) => { if (!l.length && D.leftOut) l.push({ begin: first, end: last }); });

function nameCut(pairs) {
  const has = (i, j) => pairs.some((p) => p.from === i && p.to === j);
  const nodes = [...new Set(pairs.flatMap((p) => [p.from, p.to]))].sort((a, b) => a - b);
  const sideA = nodes.filter((n) => n === nodes[0] || !(has(n, nodes[0]) || has(nodes[0], n)));
  const sideB = nodes.filter((n) => !sideA.includes(n));
  const out = sideA.every((i) => sideB.every((j) => has(i, j)));
  const back = sideA.every((i) => sideB.every((j) => has(j, i)));
  const whole = pairs.length === sideA.length * sideB.length * ((out ? 1 : 0) + (back ? 1 : 0));
  const names = (side) => side.map(nodeName).join(' ');
  if (whole && (out || back)) {
    const arrow = out && back ? '\u2573' : out ? '\u2573\u2192' : '\u2190\u2573';
    return names(sideA) + ' ' + arrow + ' ' + names(sideB);
  }
  return pairs.map((p) => nodeName(p.from) + '\u2192' + nodeName(p.to)).join(', ');
}
const partitions = [];
{
  const byTime = new Map();
  for (const c of cuts) {
    const k = c.begin + ':' + c.end;
    if (!byTime.has(k)) byTime.set(k, []);
    byTime.get(k).push(c);
  }
  for (const pairs of byTime.values()) {
    partitions.push({ begin: pairs[0].begin, end: pairs[0].end, pairs, name: nameCut(pairs) });
  }
}

/* ---- State */
const clients = Math.max(D.clients, 1 + operations.reduce((m, o) => Math.max(m, o.client), -1));
const nodeOn = Array(D.nodes).fill(true);
const kindOn = D.kinds.map(() => true);
const view = { begin: 0, end: 1 };
let focusKey = D.key, only = false, chosen = guilty, hovered = null, drawn = {}, queued = false;
const canvas = at('view'), over = at('overview');
let width = 0, height = 0, colours = {};

const X = (t) => GUTTER + (t - view.begin) / (view.end - view.begin) * (width - GUTTER);
const T = (x) => view.begin + (x - GUTTER) / (width - GUTTER) * (view.end - view.begin);
const clientY = (c) => RULER + FAULTS + 4 + c * CLIENT;
const top0 = () => RULER + FAULTS + 8 + clients * CLIENT + 26;
const nodeY = (n) => top0() + n * (height - top0() - 30) / Math.max(1, D.nodes - 1);

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ['ground', 'panel', 'ink', 'soft', 'line', 'lane', 'swim', 'write', 'read',
    'sync', 'gone', 'bad', 'good', 'warn', 'cut', 'onbar']) {
    colours['--' + name] = style.getPropertyValue('--' + name).trim();
  }
}
function resize(target, w, h) {
  const ratio = window.devicePixelRatio || 1;
  target.width = Math.round(w * ratio);
  target.height = Math.round(h * ratio);
  target.style.width = w + 'px';
  target.style.height = h + 'px';
  const g = target.getContext('2d');
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  return g;
}
function redraw() {
  if (!queued) { queued = true; requestAnimationFrame(draw); }
}
function setView(begin, end) {
  const whole = Math.max(last - first, 1000);
  const span = Math.min(Math.max(end - begin, 2000), whole * 2.2);
  const middle = Math.min(Math.max((begin + end) / 2, first - span / 3), last + span / 3);
  view.begin = middle - span / 2;
  view.end = middle + span / 2;
  redraw();
}
function zoom(factor, x) {
  const t = T(x === undefined ? (width + GUTTER) / 2 : x);
  setView(t - (t - view.begin) * factor, t + (view.end - t) * factor);
}
function pan(share) {
  const by = (view.end - view.begin) * share;
  setView(view.begin + by, view.end + by);
}

/* The violation in the middle, with what led to it: the key's last few operations. */
function gotoEnd() {
  const mine = operations.filter((o) => o.begin <= D.time && (D.key < 0 || o.key === D.key));
  const since = mine.length ? mine[Math.max(0, mine.length - 6)].begin : D.time - 1e8;
  const near = messages.filter((m) => m.send >= since && m.send <= D.time);
  let begin = since;
  if (guilty) {
    const some = mine[Math.max(0, mine.length - 3)].begin;
    begin = Math.max(begin, Math.min(some, D.time - 25 * (guilty.end - guilty.begin)));
  }
  if (near.length > 500) begin = Math.max(begin, near[near.length - 500].send);
  const half = Math.max((D.time - begin) * 1.12, 50000);
  const after = last - D.time > half * 0.2 ? half : half * 0.4;
  setView(D.time - half, D.time + after);
}
function gotoOperation(o) {
  if (!o) return;
  chosen = o;
  const span = view.end - view.begin;
  const need = Math.max(span, ((o.end || o.begin) - o.begin) * 1.5);
  const middle = ((o.end || o.begin) + o.begin) / 2;
  setView(middle - need / 2, middle + need / 2);
  fillList();
}

/* ---- Texts */
function time(ns) {
  return (ns / 1e9).toFixed(6) + ' s';
}
function lasts(ns) {
  return ns < 1e3 ? ns + ' ns' : ns < 1e6 ? (ns / 1e3).toFixed(1) + ' \u00b5s'
    : ns < 1e9 ? (ns / 1e6).toFixed(2) + ' ms' : (ns / 1e9).toFixed(3) + ' s';
}
function opText(o) {
  const value = o.value < 0 ? '' : (o.kind === 1 ? ' = v' : ' v') + o.value;
  return OPS[o.kind] + ' k' + o.key + value;
}
function describe(hit) {
  if (hit.operation) {
    const o = hit.operation;
    return 'operation ' + o.number + ': ' + opText(o) + '\n' + o.result +
      (o.version ? ', version ' + o.version : '') + '\nclient ' + o.client + ' asks ' +
      nodeName(o.node) + (o.ttl ? ', ttl ' + o.ttl + ' ms' : '') + '\n' + time(o.begin) +
      (o.end ? ', takes ' + lasts(o.end - o.begin) : ', never ends');
  }
  if (hit.message) {
    const m = hit.message;
    return D.kinds[m.kind] + ' ' + nodeName(m.from) + ' \u2192 ' + nodeName(m.to) +
      (m.key >= 0 ? ', k' + m.key : '') + (m.text ? '\n' + m.text : '') + '\n' +
      time(m.send) + (m.arrival === NEVER ? m.lost ? ', lost' : ', under way at the end'
      : ', takes ' + lasts(m.arrival - m.send)) + '\n' + m.bytes + ' bytes by ' +
      (m.datagram ? 'datagram' : 'stream') + (m.copy ? ', doubled by the network' : '');
  }
  if (hit.partition) {
    const p = hit.partition;
    return 'cut: ' + p.name + '\n' + time(p.begin) + ', for ' + lasts(p.end - p.begin);
  }
  return hit.mark.text + '\n' + time(hit.mark.time);
}
