/* Lists: selection and its bar, counts of the named filters, remembered sort and size, place kept for "back". */
(function () {
  'use strict';
  var D = document;
  function all(selector, root) { return [].slice.call((root || D).querySelectorAll(selector)); }
  function csrf() { return D.querySelector('meta[name=csrf-token]').content; }
  var bar = D.querySelector('[data-k-bulk]');
  all('[data-k-list]').forEach(function (table) {
    var top = table.querySelector('[data-k-all]'), rows = all('[data-k-row]', table);
    function show() {
      var n = rows.filter(function (r) { r.closest('tr').classList.toggle('sel', r.checked); return r.checked; }).length;
      if (bar) { bar.hidden = !n; bar.querySelector('[data-k-chosen]').textContent = n; }
      if (top) { top.checked = n > 0 && n === rows.length; top.indeterminate = n > 0 && n < rows.length; }
    }
    table.addEventListener('change', function (e) {
      if (e.target === top) rows.forEach(function (r) { r.checked = top.checked; });
      show();
    });
    var none = bar && bar.querySelector('[data-k-none]');
    if (none) none.addEventListener('click', function () { rows.forEach(function (r) { r.checked = false; }); show(); });
    show();
  });

  var panel = D.querySelector('[data-k-counts]');
  if (panel) {
    fetch(panel.dataset.kCounts + location.search, { headers: { Accept: 'application/json' } }).then(function (r) { return r.ok ? r.json() : {}; }).then(function (d) {
      all('[data-k-count]', panel).forEach(function (b) { var n = d[b.dataset.kCount]; if (n != null) b.textContent = n >= 10000 ? '10,000+' : n; });
      all('[data-k-sum-of]').forEach(function (b) { b.textContent = d.sum && d.sum[b.dataset.kSumOf] != null ? d.sum[b.dataset.kSumOf] : ''; if (!b.textContent) b.parentNode.hidden = true; });
    }).catch(function () { /* counts are a comfort */ });
    var base = panel.dataset.kCounts.replace('counts', 'remember');
    var remember = function (data) {
      data.append('csrf_token', csrf());
      if (navigator.sendBeacon) navigator.sendBeacon(base, data);
    };
    all('[data-k-sort]').forEach(function (a) {
      a.addEventListener('click', function () {
        var q = new URL(a.href).searchParams, data = new FormData(), name, way;
        q.forEach(function (v, k) { if (k.indexOf('_oc_') === 0) name = v; if (k.indexOf('_od_') === 0) way = v; });
        data.append('sort', name + '.' + way); remember(data);
      });
    });
    all('[data-k-size]').forEach(function (a) { a.addEventListener('click', function () { var data = new FormData(); data.append('size', a.dataset.kSize); remember(data); }); });
    try { // "back" brings the place and the selection again; another filter clears both
      var key = 'k-at:' + location.pathname, kept = JSON.parse(sessionStorage.getItem(key) || 'null'), box = D.querySelector('.k-tw'), come = performance.getEntriesByType('navigation')[0];
      if (kept && kept.url === location.search && box) {
        box.scrollTop = kept.top;
        if (come && come.type === 'back_forward') all('[data-k-row]').forEach(function (r) { if (kept.chosen.indexOf(r.value) >= 0) { r.checked = true; r.dispatchEvent(new Event('change', { bubbles: true })); } });
      }
      window.addEventListener('pagehide', function () {
        sessionStorage.setItem(key, JSON.stringify({ url: location.search, top: box ? box.scrollTop : 0, chosen: all('[data-k-row]:checked').map(function (r) { return r.value; }) }));
      });
    } catch (e) { /* no storage: no place kept */ }
  }
  all('[data-k-export]').forEach(function (form) {
    form.addEventListener('submit', function () {
      all('input[data-id]', form).forEach(function (i) { i.remove(); });
      all('[data-k-row]:checked').forEach(function (r) { var i = D.createElement('input'); i.type = 'hidden'; i.name = 'ids'; i.value = r.value; i.dataset.id = '1'; form.appendChild(i); });
    });
  });
  window.kSortable = function (root) { all('[data-k-sortable]', root).forEach(function (list) {
    var held = null;
    all('li', list).forEach(function (li) { li.draggable = true; });
    list.addEventListener('dragstart', function (e) { held = e.target.closest('li'); });
    list.addEventListener('dragover', function (e) { var over = e.target.closest('li'); if (!held || !over || over === held) return; e.preventDefault(); list.insertBefore(held, over); });
  }); };
})();
