/* 批量修改: a whole page chosen offers all rows of the filter; the dialog shows the fields that are to change and stays open on a fault
   and asks once more before it empties fields. */
(function () {
  'use strict';
  var D = document;
  function all(selector, root) { return [].slice.call((root || D).querySelectorAll(selector)); }
  var bar = D.querySelector('[data-k-bulk]'), every = bar && bar.querySelector('[data-k-every]');
  if (every) {
    var table = D.querySelector('[data-k-list]'), form = D.getElementById(every.dataset.kForm), count = bar.querySelector('[data-k-chosen]');
    var set = function (on) {
      var rows = all('[data-k-row]', table), chosen = rows.filter(function (r) { return r.checked; }).length;
      if (on) form.dataset.kEvery = every.dataset.kEvery; else delete form.dataset.kEvery;
      every.hidden = chosen !== rows.length || !bar.querySelector('[data-k-for-every]');
      every.setAttribute('aria-pressed', on ? 'true' : 'false');
      every.textContent = on ? every.dataset.only : every.dataset.all;
      count.textContent = on ? every.dataset.kOf : chosen;
      all('button', bar).forEach(function (b) { if (!b.matches('[data-k-every], [data-k-for-every], [data-k-none]')) b.hidden = on; });
    };
    table.addEventListener('change', function () { set(false); });
    bar.addEventListener('click', function (e) {
      if (e.target.closest('[data-k-every]')) set(!form.dataset.kEvery);
      if (e.target.closest('[data-k-none]')) set(false);
    });
    set(false);
  }
  function show(row, on) {
    row.hidden = !on;
    row.querySelector('[name=field]').disabled = !on;
    var option = row.closest('form').querySelector('[data-k-mass-add] option[value="' + row.dataset.kMassRow + '"]');
    if (option) option.hidden = on;
    var control = on && row.querySelector('input:not([type=hidden]), select, textarea');
    if (control && !control.tomselect) control.focus(); /* one that asks the server would open over the rest */
  }
  D.addEventListener('change', function (e) {
    if (!e.target.matches('[data-k-mass-add]') || !e.target.value) return;
    show(e.target.closest('form').querySelector('[data-k-mass-row="' + e.target.value + '"]'), true);
    e.target.value = '';
  });
  D.addEventListener('click', function (e) {
    var out = e.target.closest('[data-k-mass-out]');
    if (out) show(out.closest('[data-k-mass-row]'), false);
  });
  function send(form, sure) {
    var body = form.parentNode, button = form.querySelector('.btn-primary'), sent = new FormData(form);
    if (sure) sent.append('sure', '1');
    button.disabled = true;
    fetch(form.action, { method: 'POST', body: sent, headers: { Accept: 'application/json' } }).then(function (r) {
      if (r.redirected) { location.href = r.url; return null; }
      if (r.ok && r.headers.get('Content-Type').indexOf('json') > 0) return r.json().then(function (d) {
        if (d.url) { location.href = d.url; return; }
        button.disabled = false;
        window.kConfirm(d.ask, button.textContent, function () { send(form, true); });
      });
      return r.text().then(function (html) { if (r.ok) { body.innerHTML = html; window.kControls(body); } else location.reload(); });
    }).catch(function () { button.disabled = false; });
  }
  D.addEventListener('submit', function (e) {
    if (!e.target.matches('[data-k-mass]')) return;
    e.preventDefault();
    send(e.target);
  });
})();
