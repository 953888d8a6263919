/* Ctrl+K: one box over all entities; arrows choose, Enter opens. */
(function () {
  'use strict';
  var D = document, modal = D.getElementById('k-palette');
  if (!modal) return;
  var input = modal.querySelector('[data-k-pal-input]'), out = modal.querySelector('[data-k-pal-out]'), timer, seq = 0;
  function open() { bootstrap.Modal.getOrCreateInstance(modal).show(); }
  modal.addEventListener('shown.bs.modal', function () { input.focus(); input.select(); });
  D.addEventListener('keydown', function (e) { if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') { e.preventDefault(); open(); } });
  D.addEventListener('click', function (e) { if (e.target.closest('[data-k-palette]')) { e.preventDefault(); open(); } });
  function options() { return [].slice.call(out.querySelectorAll('[role=option]')); }
  function mark(n) { options().forEach(function (o, i) { o.setAttribute('aria-selected', i === n ? 'true' : 'false'); if (i === n) o.scrollIntoView({ block: 'nearest' }); }); }
  function chosen() { return options().findIndex(function (o) { return o.getAttribute('aria-selected') === 'true'; }); }
  function draw(groups) {
    out.replaceChildren();
    groups.forEach(function (g) {
      var h = D.createElement('h6'); h.textContent = g.label; out.appendChild(h);
      g.hits.forEach(function (hit) {
        var a = D.createElement('a'), b = D.createElement('b'), s = D.createElement('span');
        a.href = hit.url; a.setAttribute('role', 'option'); b.textContent = hit.title; s.textContent = hit.hint; s.className = 't3 fs12';
        a.append(b, s); out.appendChild(a);
      });
    });
    mark(0);
  }
  input.addEventListener('paste', function (e) { // a message or a card: read it instead of looking for it
    var text = (e.clipboardData || window.clipboardData).getData('text');
    if (!/\n/.test(text.trim()) && text.length < 60) return;
    e.preventDefault();
    try { sessionStorage.setItem('k-pasted', text); } catch (no) { return; }
    location.href = '/paste/';
  });
  var paste = D.querySelector('[data-k-pasted]');
  try {
    var kept = paste && sessionStorage.getItem('k-pasted');
    if (kept) { sessionStorage.removeItem('k-pasted'); paste.elements.text.value = kept; paste.requestSubmit(); }
  } catch (no) { /* no storage: paste it into the box */ }
  input.addEventListener('input', function () {
    clearTimeout(timer);
    timer = setTimeout(function () {
      var mine = ++seq, q = input.value.trim();
      if (!q) { out.replaceChildren(); return; }
      fetch('/search?q=' + encodeURIComponent(q), { headers: { Accept: 'application/json' } }).then(function (r) { return r.json(); })
        .then(function (d) { if (mine === seq) draw(d.groups); });
    }, 120);
  });
  input.addEventListener('keydown', function (e) {
    var list = options(), at = chosen();
    if (e.key === 'ArrowDown') { e.preventDefault(); mark(Math.min(at + 1, list.length - 1)); }
    if (e.key === 'ArrowUp') { e.preventDefault(); mark(Math.max(at - 1, 0)); }
    if (e.key === 'Enter' && list[at]) { e.preventDefault(); location.href = list[at].href; }
  });
})();
