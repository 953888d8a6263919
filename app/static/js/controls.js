/* Controls that every page shares: choices that ask the server, dates, confirm, dialogs, closing of notes. */
(function () {
  'use strict';
  var D = document;
  function all(selector, root) { return [].slice.call((root || D).querySelectorAll(selector)); }
  function choose(el) {
    if (el.tomselect || !window.TomSelect) return;
    var box = new TomSelect(el, {
      valueField: 'id', labelField: 'text', searchField: [], maxOptions: 30, preload: 'focus', allowEmptyOption: true,
      load: function (q, done) {
        var url = el.dataset.kChoose + (el.dataset.kChoose.indexOf('?') < 0 ? '?' : '&') + 'q=' + encodeURIComponent(q);
        var master = el.dataset.kWithin && el.form && el.form.elements[el.dataset.kWithin];
        if (master && master.value) url += '&' + el.dataset.kWithin + '=' + encodeURIComponent(master.value);
        var beside = el.dataset.kBeside && el.form && el.form.elements[el.dataset.kBeside];
        if (beside && beside.value) url += '&' + el.dataset.kBeside + '=' + encodeURIComponent(beside.value);
        fetch(url, { headers: { Accept: 'application/json' } }).then(function (r) { return r.json(); })
          .then(function (d) { box.clearOptions(); done(d.results); }).catch(function () { done(); });
      },
      onItemAdd: function (value) { el.dispatchEvent(new CustomEvent('k-chosen', { bubbles: true, detail: box.options[value] })); },
      render: {
        option: function (d, esc) { return '<div>' + esc(d.text || '—') + (d.hint ? ' <span class="t3 fs12">' + esc(d.hint) + '</span>' : '') + '</div>'; },
        no_results: null
      }
    });
    var master = el.dataset.kWithin && el.form && el.form.elements[el.dataset.kWithin];
    if (master) master.addEventListener('change', function () { box.clear(); box.clearOptions(); });
  }
  window.kDays = function () { return { locale: flatpickr.l10ns.zh ? Object.assign({}, flatpickr.l10ns.zh, { firstDayOfWeek: 1 }) : { firstDayOfWeek: 1 } }; };
  window.kControls = function (root) {
    all('select[data-k-choose]', root).forEach(choose);
    if (!window.flatpickr) return;
    var zh = window.kDays().locale;
    all('[data-k-date]', root).forEach(function (e) { flatpickr(e, { locale: zh, allowInput: true, dateFormat: 'Y-m-d' }); });
    all('[data-k-moment]', root).forEach(function (e) { flatpickr(e, { locale: zh, allowInput: true, enableTime: true, time_24hr: true, dateFormat: 'Y-m-d H:i' }); });
  };
  window.kControls(D);

  D.addEventListener('click', function (e) {
    var button = e.target.closest('[data-k-confirm]');
    if (!button || button.dataset.kSure) return;
    e.preventDefault();
    var modal = D.getElementById('k-confirm'), box = bootstrap.Modal.getOrCreateInstance(modal), ok = modal.querySelector('[data-k-ok]');
    modal.querySelector('[data-k-text]').textContent = button.dataset.kConfirm;
    ok.textContent = button.textContent.trim() || ok.textContent;
    ok.onclick = function () { box.hide(); button.dataset.kSure = '1'; button.click(); delete button.dataset.kSure; };
    box.show();
  });
  D.addEventListener('click', function (e) {
    var close = e.target.closest('[data-k-close]');
    if (close) close.parentNode.remove();
    var opener = e.target.closest('[data-k-dialog]');
    if (!opener) return;
    var form = D.getElementById(opener.dataset.kForm);
    var ids = all('input[name=rowid]').filter(function (i) { return i.form === form && (i.type === 'hidden' || i.checked); }).map(function (i) { return i.value; });
    var back = form.elements.back ? form.elements.back.value : '';
    fetch(opener.dataset.kDialog + '?ids=' + ids.join(',') + '&back=' + encodeURIComponent(back)).then(function (r) { return r.text(); }).then(function (html) {
      var modal = D.getElementById('k-dialog'), body = modal.querySelector('[data-k-body]');
      body.innerHTML = html;
      window.kControls(body);
      if (window.kSortable) window.kSortable(body);
      bootstrap.Modal.getOrCreateInstance(modal).show();
    });
  });
})();
