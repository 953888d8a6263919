/* System parameters: what is not saved yet, back to the default, search, the next number by a rule. */
(function () {
  'use strict';
  var D = document, form = D.querySelector('[data-k-params]'), count = D.querySelector('[data-k-unsaved]'), search = D.querySelector('[data-k-psearch]');
  function all(selector, root) { return [].slice.call((root || D).querySelectorAll(selector)); }
  if (!form) return;
  function value(el) { return el.type === 'checkbox' ? (el.checked ? '1' : '') : el.value; }
  function text(el, v) { return el.type === 'checkbox' ? (v ? '✓' : '✗') : el.tagName === 'SELECT' ? (all('option', el).filter(function (o) { return o.value === v; })[0] || {}).textContent : v || '—'; }
  var fields = all('.ctl input[name], .ctl select, .ctl textarea', form);
  fields.forEach(function (el) { el.kWas = value(el); });
  function look() {
    var n = 0;
    all('.k-param', form).forEach(function (row) {
      var was = fields.filter(function (el) { return row.contains(el) && value(el) !== el.kWas; });
      row.classList.toggle('mod', was.length > 0);
      var tag = row.querySelector('[data-k-was]');
      tag.className = was.length ? 'k-tag y' : '';
      tag.textContent = was.length ? form.dataset.was.replace('#', was.map(function (el) { return text(el, el.kWas); }).join(' / ')) : '';
      n += was.length;
    });
    if (count) { count.hidden = !n; count.textContent = count.dataset.text.replace('#', n); }
  }
  var timer;
  function next(row) {
    clearTimeout(timer);
    timer = setTimeout(function () {
      var q = new URLSearchParams({ key: row.dataset.kNumber }), out = row.querySelector('[data-k-next]');
      fields.forEach(function (el) { if (row.contains(el)) q.set(el.name, value(el)); });
      fetch('/parameter/preview?' + q).then(function (r) { return r.ok ? r.json() : {}; }).then(function (d) { out.textContent = d.text || d.error || ''; out.classList.toggle('c-red', !!d.error); });
    }, 200);
  }
  form.addEventListener('input', function (e) { look(); var row = e.target.closest('[data-k-number]'); if (row) next(row); });
  form.addEventListener('reset', function () { setTimeout(function () { look(); all('[data-k-number]', form).forEach(function (row) { next(row); }); }); });
  form.addEventListener('click', function (e) {
    var back = e.target.closest('[data-k-default]');
    if (!back) return;
    var row = back.closest('.k-param');
    fields.forEach(function (el) {
      if (!row.contains(el) || el.dataset.default === undefined) return;
      if (el.type === 'checkbox') el.checked = el.dataset.default === '1'; else el.value = el.dataset.default;
    });
    row.dispatchEvent(new Event('input', { bubbles: true }));
    look();
    if (row.dataset.kNumber) next(row);
  });
  if (search) search.addEventListener('input', function () {
    var q = search.value.trim().toLowerCase();
    all('section', form).forEach(function (part) {
      var some = false;
      all('.k-param', part).forEach(function (row) { var hit = !q || (part.querySelector('h2').textContent + row.textContent).toLowerCase().indexOf(q) >= 0; row.hidden = !hit; some = some || hit; });
      part.hidden = !some;
    });
  });
  all('[data-k-place]').forEach(function (link) {
    link.addEventListener('click', function () { all('[data-k-place]').forEach(function (other) { other.classList.toggle('active', other === link); }); });
  });
  var bad = form.querySelector('.k-param.bad'), at = form.dataset.at && D.getElementById('p-' + form.dataset.at);
  if (bad || at) (bad || at).scrollIntoView({ block: bad ? 'center' : 'start' });
})();
