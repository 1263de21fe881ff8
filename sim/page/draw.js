
/* ---- Drawing */
const shows = (m) => kindOn[m.kind] && (nodeOn[m.from] && nodeOn[m.to]) &&
  (!only || focusKey < 0 || m.key === focusKey);
const showsOperation = (o) => nodeOn[o.node] && (!only || focusKey < 0 || o.key === focusKey);

function drawRuler(g) {
  const target = (view.end - view.begin) / Math.max(2, (width - GUTTER) / 110);
  let step = Math.pow(10, Math.floor(Math.log10(target)));
  step *= target / step > 5 ? 10 : target / step > 2 ? 5 : target / step > 1 ? 2 : 1;
  const digits = Math.max(0, Math.min(9, 9 - Math.floor(Math.log10(step))));
  g.textAlign = 'center';
  for (let t = Math.ceil(view.begin / step) * step; t < view.end; t += step) {
    g.fillStyle = colours['--line'];
    g.fillRect(X(t), RULER - 4, 1, height);
    g.fillStyle = colours['--soft'];
    if (t >= 0) g.fillText((t / 1e9).toFixed(digits) + ' s', X(t), 14);
  }
}
function drawCuts(g) {
  for (const p of partitions) {
    if (p.end < view.begin || p.begin > view.end) continue;
    const x0 = Math.max(X(p.begin), GUTTER), x1 = Math.min(X(p.end), width);
    for (const pair of p.pairs) {
      const y0 = nodeY(Math.min(pair.from, pair.to)), y1 = nodeY(Math.max(pair.from, pair.to));
      g.globalAlpha = p.pairs.length > 6 ? 0.025 : 0.05;
      g.fillStyle = colours['--cut'];
      g.fillRect(x0, y0, Math.max(1, x1 - x0), y1 - y0);
    }
    const touched = p.pairs.flatMap((q) => [nodeY(q.from), nodeY(q.to)]);
    const low = Math.min(...touched), high = Math.max(...touched);
    g.globalAlpha = 0.7;
    g.strokeStyle = colours['--cut'];
    g.setLineDash([2, 4]);
    g.beginPath();
    for (const x of [X(p.begin), X(p.end)]) { g.moveTo(x, low); g.lineTo(x, high); }
    g.stroke();
    g.setLineDash([]);
    g.globalAlpha = 0.22;
    g.fillStyle = colours['--cut'];
    g.fillRect(x0, RULER + 3, Math.max(2, x1 - x0), FAULTS - 8);
    g.globalAlpha = 1;
    if (x1 - x0 > 46) clipped(g, 'cut ' + p.name, x0 + 4, RULER + 15, x1 - x0 - 6, '--ink');
    drawn.cuts++;
  }
}
function clipped(g, text, x, y, room, paint) {
  let shown = text;
  while (shown.length > 1 && g.measureText(shown).width > room) {
    shown = shown.slice(0, -2) + '\u2026';
  }
  if (shown.length < 3 && text.length > 3) return;
  g.fillStyle = colours[paint];
  g.textAlign = 'left';
  g.fillText(shown, x, y);
}
function drawLanes(g) {
  for (let n = 0; n < D.nodes; n++) {
    const y = nodeY(n);
    g.globalAlpha = nodeOn[n] ? 1 : 0.25;
    g.strokeStyle = colours['--line'];
    g.setLineDash([2, 5]);
    line(g, GUTTER, y, width, y);
    g.setLineDash([]);
    g.strokeStyle = colours['--lane'];
    g.lineWidth = 2.5;
    for (const l of lives[n]) {
      const x0 = Math.max(GUTTER, X(l.begin)), x1 = Math.min(width, X(l.end));
      if (x1 > x0) line(g, x0, y, x1, y);
    }
    g.lineWidth = 1;
    drawn.lanes++;
  }
  g.globalAlpha = 1;
  for (let c = 0; c < clients; c++) {
    g.fillStyle = colours['--line'];
    g.fillRect(GUTTER, clientY(c) + CLIENT / 2, width, 1);
    drawn.lanes++;
  }
}
function line(g, x0, y0, x1, y1) {
  g.beginPath();
  g.moveTo(x0, y0);
  g.lineTo(x1, y1);
  g.stroke();
}
function head(g, x0, y0, x1, y1) {
  const angle = Math.atan2(y1 - y0, x1 - x0);
  g.beginPath();
  g.moveTo(x1, y1);
  g.lineTo(x1 - 7 * Math.cos(angle - 0.35), y1 - 7 * Math.sin(angle - 0.35));
  g.lineTo(x1 - 7 * Math.cos(angle + 0.35), y1 - 7 * Math.sin(angle + 0.35));
  g.fill();
}
/* Where a message is drawn: a lost one ends on its way, and so does one under way. */
function ends(m) {
  const y0 = nodeY(m.from), y1 = nodeY(m.to), x0 = X(m.send);
  if (m.arrival !== NEVER) return [x0, y0, X(m.arrival), y1];
  if (!m.lost) return [x0, y0, X(last), y0 + (y1 - y0) * 0.6];
  return [x0, y0, x0 + 14, y0 + (y1 - y0) * 0.45];
}
function emphasis(m) {
  if (focusKey < 0) return groupOf[m.kind] === 'membership' ? 0.45 : 0.9;
  if (m.key === focusKey) return 1;
  return groupOf[m.kind] === 'membership' ? 0.3 : 0.18;
}
function drawMessages(g) {
  const seen = messages.filter((m) => shows(m) && m.send < view.end &&
    (m.arrival !== NEVER ? m.arrival : m.lost ? m.send + 1 : last) > view.begin);
  const keep = Math.max(1, Math.ceil(seen.length / 5000));
  drawn.messages = seen.length;
  drawn.every = keep;
  drawn.list = [];
  seen.sort((a, b) => (a.key === focusKey) - (b.key === focusKey));
  for (let i = 0; i < seen.length; i++) {
    const m = seen[i];
    if (i % keep !== 0 && !(focusKey >= 0 && m.key === focusKey)) continue;
    const [x0, y0, x1, y1] = ends(m);
    const paint = colours[PAINT[groupOf[m.kind]]];
    const lost = m.arrival === NEVER && m.lost;
    const strong = hovered && hovered.message === m;
    g.globalAlpha = strong ? 1 : emphasis(m);
    g.strokeStyle = g.fillStyle = paint;
    g.lineWidth = strong ? 3 : focusKey >= 0 && m.key === focusKey ? 1.8 : 1;
    if (m.arrival === NEVER || m.copy) g.setLineDash(m.copy ? [1, 3] : [4, 3]);
    line(g, x0, y0, x1, y1);
    g.setLineDash([]);
    if (lost) {
      g.strokeStyle = colours['--bad'];
      g.lineWidth = 1.6;
      line(g, x1 - 3.5, y1 - 3.5, x1 + 3.5, y1 + 3.5);
      line(g, x1 - 3.5, y1 + 3.5, x1 + 3.5, y1 - 3.5);
      drawn.lost++;
    } else if (seen.length < 2500 && m.arrival !== NEVER) {
      head(g, x0, y0, x1, y1);
    }
    drawn.arrows++;
    drawn.list.push(m);
  }
  g.lineWidth = 1;
  g.globalAlpha = 1;
  if (seen.length < 160) labelMessages(g, seen);
}
/* Names beside the arrows that are long enough for them, the important ones first. */
function labelMessages(g, seen) {
  const taken = [];
  g.font = '11px system-ui, sans-serif';
  g.textAlign = 'left';
  for (const m of seen.slice().reverse()) {
    if (focusKey >= 0 && m.key !== focusKey && seen.length > 40) continue;
    const [x0, y0, x1, y1] = ends(m);
    const text = D.kinds[m.kind] + (m.text && m.key >= 0 ? ' ' + m.text.split(',')[0] : '');
    const x = x0 + (x1 - x0) * 0.3 + 6, y = y0 + (y1 - y0) * 0.3 + (m.from < m.to ? 0 : 8);
    const w = g.measureText(text).width;
    if (x < GUTTER ||
        taken.some((b) => x < b[0] + b[2] && b[0] < x + w && Math.abs(y - b[1]) < 12)) continue;
    taken.push([x, y, w]);
    g.globalAlpha = 0.8;
    g.fillStyle = colours['--ground'];
    g.fillRect(x - 2, y - 9, w + 4, 12);
    g.globalAlpha = Math.max(0.5, emphasis(m));
    g.fillStyle = colours[PAINT[groupOf[m.kind]]];
    g.fillText(text, x, y);
  }
  g.globalAlpha = 1;
  g.font = '12px system-ui, sans-serif';
}
function drawMarks(g) {
  drawn.marks = [];
  let busy = -100;
  for (const m of marks) {
    if (m.time < view.begin || m.time > view.end || m.kind === CUT || m.kind === MEND) continue;
    const x = X(m.time), y = m.node < 0 ? RULER + FAULTS / 2 : nodeY(m.node);
    if (m.node >= 0 && !nodeOn[m.node]) continue;
    drawn.marks.push({ mark: m, x, y: m.kind === MEMBER ? y + 11 : y });
    g.textAlign = 'center';
    if (m.kind === MEMBER) {
      g.fillStyle = colours[STATE_PAINT[m.state]];
      g.beginPath();
      g.arc(x, y + 11, 6.5, 0, 7);
      g.fill();
      g.fillStyle = colours['--onbar'];
      g.font = 'bold 10px system-ui, sans-serif';
      g.fillText(nodeName(m.peer), x, y + 14.5);
      g.font = '12px system-ui, sans-serif';
      continue;
    }
    const bad = m.kind !== BOOT;
    g.fillStyle = g.strokeStyle = colours[bad ? '--bad' : '--good'];
    if (m.kind === CRASH) {
      g.lineWidth = 3;
      line(g, x - 6, y - 6, x + 6, y + 6);
      line(g, x - 6, y + 6, x + 6, y - 6);
      g.lineWidth = 1;
    } else if (m.kind === BOOT) {
      g.beginPath();
      g.moveTo(x - 4, y - 7);
      g.lineTo(x + 8, y);
      g.lineTo(x - 4, y + 7);
      g.fill();
    } else if (m.kind === CLOCK) {
      g.fillStyle = g.strokeStyle = colours['--warn'];
      g.beginPath();
      g.arc(x, y - 12, 5.5, 0, 7);
      g.moveTo(x, y - 16);
      g.lineTo(x, y - 12);
      g.lineTo(x + 3, y - 12);
      g.stroke();
    } else {
      g.fillRect(x - 3, y - 3, 6, 6);
    }
    if (x - busy > 120) {
      const text = m.kind === CLOCK ? m.text.replace(/.*steps /, '') : m.text;
      g.fillText(text, x, y - (m.kind === CLOCK ? 21 : 11));
      busy = x;
    }
  }
}
function drawOperations(g) {
  drawn.operations = 0;
  for (const o of operations) {
    const end = o.end || last;
    if (end < view.begin || o.begin > view.end || !showsOperation(o)) continue;
    const x0 = Math.max(GUTTER - 2, X(o.begin)), x1 = Math.min(width + 2, X(end));
    const w = Math.max(2.5, x1 - x0), y = clientY(o.client) + 3, h = CLIENT - 5;
    const mine = focusKey < 0 || o.key === focusKey;
    g.globalAlpha = mine ? 1 : 0.22;
    g.fillStyle = g.strokeStyle = colours[OP_PAINT[o.kind]];
    if (o.status === 'ok') {
      g.fillRect(x0, y, w, h);
    } else {
      if (o.status === 'info') g.setLineDash([4, 3]);
      g.fillStyle = colours['--ground'];
      g.fillRect(x0, y, w, h);
      g.strokeRect(x0 + 0.5, y + 0.5, Math.max(1, w - 1), h - 1);
      g.setLineDash([]);
    }
    if (o === guilty || o === chosen) {
      g.strokeStyle = colours[o === guilty ? '--bad' : '--ink'];
      g.lineWidth = 2.5;
      g.strokeRect(x0 - 1.5, y - 1.5, w + 3, h + 3);
      g.lineWidth = 1;
    }
    if (mine && (focusKey >= 0 || o === chosen)) {
      g.globalAlpha = 0.5;
      g.strokeStyle = colours[OP_PAINT[o.kind]];
      g.setLineDash([1, 3]);
      if (X(o.begin) > GUTTER) line(g, X(o.begin), y + h, X(o.begin), nodeY(o.node));
      if (o.end && X(o.end) < width) line(g, X(o.end), y + h, X(o.end), nodeY(o.node));
      g.setLineDash([]);
      g.globalAlpha = 1;
    }
    const text = opText(o) + (o.result === 'OK' ? '' : ' ' + o.result) + ' @' + nodeName(o.node);
    const beside = Math.min(width, X(Math.min(o.next, view.end))) - x1 - 10;
    if (w > 30) {
      clipped(g, text, x0 + 4, y + 11.5, w - 6, o.status === 'ok' ? '--onbar' : '--ink');
    } else if (mine && beside > 60) {
      clipped(g, text, x1 + 5, y + 11.5, beside, '--ink');
    }
    drawn.operations++;
  }
  g.globalAlpha = 1;
}
function drawViolation(g) {
  const x = X(D.time);
  drawn.violation = D.failed && x >= GUTTER && x <= width;
  if (!drawn.violation) return;
  g.fillStyle = colours['--bad'];
  g.fillRect(x - 1, RULER, 2, height);
  const text = 'violation' + (D.check ? ': ' + D.check : '');
  const w = g.measureText(text).width + 12, left = Math.min(x, width - w);
  g.fillRect(left, 0, w, RULER - 4);
  g.fillStyle = colours['--onbar'];
  g.textAlign = 'left';
  g.fillText(text, left + 6, 15);
  if (D.node >= 0) {
    g.strokeStyle = colours['--bad'];
    g.lineWidth = 3;
    g.beginPath();
    g.arc(x, nodeY(D.node), 11, 0, 7);
    g.stroke();
    g.lineWidth = 1;
  }
}
function drawGutter(g) {
  g.fillStyle = colours['--ground'];
  g.fillRect(0, 0, GUTTER, height);
  g.textAlign = 'right';
  g.fillStyle = colours['--soft'];
  g.fillText('faults', GUTTER - 10, RULER + 15);
  for (let c = 0; c < clients; c++) g.fillText('client ' + c, GUTTER - 10, clientY(c) + 14);
  g.font = 'bold 16px system-ui, sans-serif';
  for (let n = 0; n < D.nodes; n++) {
    g.fillStyle = colours[n === D.node ? '--bad' : '--ink'];
    g.globalAlpha = nodeOn[n] ? 1 : 0.35;
    g.fillText(nodeName(n), GUTTER - 14, nodeY(n) + 5);
  }
  g.globalAlpha = 1;
  g.font = '12px system-ui, sans-serif';
}
function drawOverview() {
  const g = resize(over, at('scroller').clientWidth + (at('scroller').nextElementSibling
    .offsetWidth || 0), 34);
  const w = over.clientWidth, x = (t) => (t - first) / Math.max(1, last - first) * (w - 8) + 4;
  g.fillStyle = colours['--panel'];
  g.fillRect(0, 0, w, 34);
  g.fillStyle = colours['--cut'];
  g.globalAlpha = 0.3;
  for (const p of partitions) g.fillRect(x(p.begin), 2, Math.max(1, x(p.end) - x(p.begin)), 8);
  g.globalAlpha = 1;
  for (const m of instants) {
    g.fillStyle = colours[m.kind === BOOT ? '--good' : m.kind === CLOCK ? '--warn' : '--bad'];
    g.fillRect(x(m.time), 11, 1.5, 5);
  }
  for (const o of operations) {
    if (!showsOperation(o)) continue;
    g.globalAlpha = focusKey < 0 ? 0.3 : o.key === focusKey ? 1 : 0.08;
    g.fillStyle = colours[OP_PAINT[o.kind]];
    g.fillRect(x(o.begin), 18, Math.max(1, x(o.end || last) - x(o.begin)), 12);
  }
  g.globalAlpha = 1;
  g.fillStyle = colours['--bad'];
  if (D.failed) g.fillRect(x(D.time) - 1, 0, 2, 34);
  g.strokeStyle = colours['--ink'];
  g.strokeRect(x(view.begin), 1.5, Math.max(3, x(view.end) - x(view.begin)), 31);
}
function draw() {
  queued = false;
  drawn = { lanes: 0, arrows: 0, lost: 0, cuts: 0 };
  width = at('scroller').clientWidth;
  height = Math.max(at('scroller').clientHeight - 2, top0() + D.nodes * 44);
  readColours();
  const g = resize(canvas, width, height);
  g.font = '12px system-ui, sans-serif';
  g.fillStyle = colours['--ground'];
  g.fillRect(0, 0, width, height);
  drawRuler(g);
  drawCuts(g);
  drawLanes(g);
  drawMessages(g);
  drawMarks(g);
  drawOperations(g);
  drawViolation(g);
  drawGutter(g);
  drawOverview();
  at('note').textContent = drawn.messages + ' messages in view' + (drawn.every > 1
    ? ', one in ' + drawn.every + ' drawn: zoom in' : '') + ' \u00b7 ' + messages.length +
    ' messages, ' + operations.length + ' operations in all' + (D.leftOut
    ? ', ' + D.leftOut + ' older entries left out' : '') +
    ' \u00b7 wheel zooms, drag moves, arrow keys, + - 0 f [ ]';
}
