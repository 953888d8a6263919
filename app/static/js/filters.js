/* The composer of filters: rows and groups of conditions, a preview that follows, things dragged into order. */
(function () {
  'use strict';
  var D = document;
  function all(selector, root) { return [].slice.call((root || D).querySelectorAll(selector)); }
  all('[data-k-drag]').forEach(function (body) {
    if (!window.Sortable) return;
    Sortable.create(body, {
      animation: 120, draggable: 'tr', onEnd: function () {
        var form = D.getElementById('k-order');
        all('tr[data-key]', body).forEach(function (tr) { var i = D.createElement('input'); i.type = 'hidden'; i.name = 'key'; i.value = tr.dataset.key; form.appendChild(i); });
        form.submit();
      }
    });
  });
  var chosen = D.querySelector('.k-entries tr.sel'), list = chosen && chosen.closest('.k-entries');
  if (list) list.scrollTop = Math.max(0, chosen.getBoundingClientRect().bottom - list.getBoundingClientRect().bottom + 8);
  var box = D.querySelector('[data-k-conds]');
  if (!box) return;
  var form = box.closest('form'), blank = form.querySelector('[data-k-blank]'), out = form.querySelector('[data-k-preview]');
  var next = all('[data-k-cond]', box).length, groups = all('[name$="-group"]', box).reduce(function (m, i) { return Math.max(m, Number(i.value) || 0); }, 0), timer, asked = 0;
  function match() { return form.querySelector('[name=match]:checked').value; }
  function words() { // 当 / 且 / 或 in front of every row, and the other way round inside a group
    var outer = match() === 'all' ? box.dataset.and : box.dataset.or, inner = match() === 'all' ? box.dataset.or : box.dataset.and;
    [].forEach.call(box.children, function (child, n) {
      var join = n ? outer : box.dataset.if;
      if (!child.classList.contains('k-cg')) { child.querySelector('[data-k-join]').textContent = join; return; }
      child.querySelector('[data-k-join]').textContent = join;
      child.querySelector('[data-k-how]').textContent = match() === 'all' ? box.dataset.any : box.dataset.all;
      all('.k-cr', child).forEach(function (row, m) { row.querySelector('[data-k-join]').textContent = m ? inner : ''; });
    });
    all('.k-match label', form).forEach(function (l) { l.classList.toggle('active', l.querySelector('input').checked); });
  }
  function row(group) {
    var holder = D.createElement('div'), n = next++;
    holder.innerHTML = blank.innerHTML.replace(/c0-/g, 'c' + n + '-').replace('data-k-cond="0"', 'data-k-cond="' + n + '"');
    var made = holder.firstElementChild;
    made.querySelector('[name$="-group"]').value = group || '';
    return made;
  }
  function group(id) {
    var g = D.createElement('div'), head = D.createElement('div');
    g.className = 'k-cg'; g.dataset.group = id; head.className = 'row-x';
    head.innerHTML = '<span class="j" data-k-join></span><span class="t3 fs12" data-k-how></span><button type="button" class="k-act push" data-k-more><i class="ti ti-plus"></i></button>';
    head.querySelector('[data-k-more]').setAttribute('aria-label', form.querySelector('[data-k-addcond]') ? form.querySelector('[data-k-addcond]').textContent.trim() : '+');
    g.appendChild(head);
    return g;
  }
  all('[data-k-cond]', box).forEach(function (r) { // rows of a group come one after the other
    var id = r.querySelector('[name$="-group"]').value;
    if (!id) return;
    var g = box.querySelector('[data-group="' + id + '"]');
    if (!g) { g = group(id); box.insertBefore(g, r); }
    g.appendChild(r);
  });
  function preview() {
    clearTimeout(timer);
    timer = setTimeout(function () {
      var mine = ++asked;
      fetch(out.dataset.kPreview, { method: 'POST', body: new FormData(form) }).then(function (r) { return r.ok ? r.text() : ''; }).then(function (html) { if (mine === asked) out.innerHTML = html; });
    }, 300);
  }
  function changed() { words(); preview(); form.dispatchEvent(new Event('input')); }
  form.addEventListener('change', function (e) {
    var custom = e.target.closest('[data-k-custom]');
    if (custom) custom.parentNode.querySelector('[data-k-span]').hidden = custom.value !== '~';
    if (!e.target.closest('[data-k-reask]')) { words(); preview(); return; }
    var r = e.target.closest('[data-k-cond]'), n = r.dataset.kCond, get = function (part) { var el = r.querySelector('[name="c' + n + '-' + part + '"]'); return el ? el.value : ''; };
    var q = new URLSearchParams({ n: n, field: get('field'), op: e.target.classList.contains('k-co') ? get('op') : '', group: get('group') });
    fetch(form.dataset.kComposer + '&' + q).then(function (a) { return a.text(); }).then(function (html) {
      var holder = D.createElement('div');
      holder.innerHTML = html;
      var made = holder.firstElementChild;
      r.replaceWith(made);
      window.kControls(made);
      words(); preview();
      var control = made.querySelector('.k-cv input:not([hidden]), .k-cv select');
      if (control && !control.tomselect) control.focus();
    });
  });
  form.addEventListener('input', function (e) { if (e.target.matches && e.target.matches('.k-cv input')) preview(); });
  form.addEventListener('click', function (e) {
    var cut = e.target.closest('[data-k-cut]'), more = e.target.closest('[data-k-more]');
    if (cut) { var r = cut.closest('[data-k-cond]'), g = r.closest('.k-cg'); r.remove(); if (g && !g.querySelector('[data-k-cond]')) g.remove(); changed(); }
    if (e.target.closest('[data-k-addcond]')) { box.appendChild(row('')); words(); }
    if (e.target.closest('[data-k-addgroup]')) { var made = group(++groups); made.appendChild(row(groups)); box.appendChild(made); words(); }
    if (more) { var inside = more.closest('.k-cg'); inside.appendChild(row(inside.dataset.group)); words(); }
  });
  words(); preview();
})();
