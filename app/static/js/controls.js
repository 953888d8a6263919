/* Controls that every page shares: choices that ask the server, dates, confirm, dialogs, closing of notes. */
(function () {
  'use strict';
  var D = document;
  function all(selector, root) { return [].slice.call((root || D).querySelectorAll(selector)); }
  /* More tabs than fit: the present one is in sight, the wheel leads to the others, an edge beyond which there are some fades. */
  var marks = D.querySelector('.k-marks');
  all('.k-marks > .active, .k-mmarks > .active, .k-tree > .active').forEach(function (tab) { var bar = tab.parentNode; bar.scrollLeft = tab.offsetLeft - bar.offsetLeft - (bar.clientWidth - tab.offsetWidth) / 2; });
  function beyond() { marks.classList.toggle('k-l', marks.scrollLeft > 4); marks.classList.toggle('k-r', marks.scrollWidth - marks.clientWidth - marks.scrollLeft > 4); }
  if (marks) { beyond(); marks.addEventListener('scroll', beyond, { passive: true }); window.addEventListener('resize', beyond); }
  if (marks) marks.addEventListener('wheel', function (e) { if (e.deltaY && marks.scrollWidth > marks.clientWidth) { e.preventDefault(); marks.scrollLeft += e.deltaY; } }, { passive: false });
  /* A record made without leaving the form: a dialog whose answer is the new option; done(null) when it is closed. */
  window.kQuick = function (url, text, form, done) {
    var args = new URLSearchParams({ name: text || '' });
    if (form && form.elements.customer && form.elements.customer.value) args.set('customer', form.elements.customer.value);
    var modal = D.getElementById('k-dialog'), body = modal.querySelector('[data-k-body]'), box = bootstrap.Modal.getOrCreateInstance(modal), made = null;
    function draw(html) { body.innerHTML = html; window.kControls(body); var first = body.querySelector('input:not([type=hidden])'); if (first) first.focus(); }
    fetch(url + (url.indexOf('?') < 0 ? '?' : '&') + args).then(function (r) { return r.text(); }).then(function (html) {
      draw(html);
      modal.addEventListener('hidden.bs.modal', function () { done(made); }, { once: true });
      body.onsubmit = function (e) {
        if (!e.target.matches('[data-k-quick]')) return;
        e.preventDefault(); e.stopPropagation();
        fetch(url, { method: 'POST', body: new FormData(e.target), headers: { Accept: 'application/json' } }).then(function (r) {
          if (!r.ok) return r.text().then(draw);
          return r.json().then(function (d) { made = d; box.hide(); });
        });
      };
      box.show();
    });
  };
  /* What a chosen record brings along goes into the form's empty fields, and into those that another choice has filled. */
  function bring(el, brings) {
    var form = el.form, own = form && form.dataset.kEntity;
    Object.keys(brings || {}).forEach(function (key) {
      var name = key.indexOf('.') < 0 ? key : key.split('.')[0] === own ? key.split('.')[1] : null, value = brings[key], to = name && form.elements[name];
      if (!to || to === el || value == null || value === '' || !to.matches) return;
      if (to.value && !to.dataset.kBrought && to.dataset.kWithin !== el.name && !to.matches('[name=customer], [name=contract]')) return;
      if (to.tomselect) {
        if (typeof value !== 'object' || String(to.value) === String(value.id)) return;
        to.tomselect.addOption(value); to.tomselect.setValue(String(value.id), true); to.dispatchEvent(new Event('change', { bubbles: true }));
      } else if (typeof value !== 'object') to.value = value;
      to.dataset.kBrought = '1';
    });
    if (form) form.dispatchEvent(new Event('input', { bubbles: true }));
  }
  function choose(el) {
    if (el.tomselect || !window.TomSelect) return;
    var master = el.dataset.kWithin && el.form && el.form.elements[el.dataset.kWithin], beside = el.dataset.kBeside && el.form && el.form.elements[el.dataset.kBeside];
    var also = JSON.parse(el.dataset.kAlso || '{}');
    also = Object.keys(also).map(function (k) { return { id: k, text: also[k] }; });
    /* chosen: and not touched since; no answer to an older question may open it again or take the focus. pressed: an answer waits for the release, a click on an option is not lost. */
    var chosen = false, pressed = Promise.resolve(), box = new TomSelect(el, {
      plugins: el.multiple ? ['remove_button'] : [], closeAfterSelect: !el.multiple, valueField: 'id', labelField: 'text', searchField: [], maxOptions: 30, preload: 'focus', allowEmptyOption: true, loadThrottle: 200,
      create: el.dataset.kNew ? function (text, done) { window.kQuick(el.dataset.kNew, text, el.form, function (made) { done(made || undefined); }); } : false,
      shouldLoad: function () { return !chosen; },
      load: function (q, done) {
        function late() { return chosen || q !== box.inputValue(); }
        function drop() { delete box.loadedSearches[q]; box.loading = Math.max(box.loading - 1, 0); if (!box.loading) box.wrapper.classList.remove(box.settings.loadingClass); }
        if (late()) { drop(); return; }
        var url = el.dataset.kChoose + (el.dataset.kChoose.indexOf('?') < 0 ? '?' : '&') + 'q=' + encodeURIComponent(q);
        if (master && master.value) url += '&' + el.dataset.kWithin + '=' + encodeURIComponent(master.value);
        if (beside && beside.value) url += '&' + el.dataset.kBeside + '=' + encodeURIComponent(beside.value);
        fetch(url, { headers: { Accept: 'application/json' } }).then(function (r) { return r.json(); }).then(function (d) { return pressed.then(function () { return d; }); })
          .then(function (d) { if (late()) { drop(); return; } box.clearOptions(); done(q ? d.results : also.concat(d.results)); }).catch(function () { done(); });
      },
      onItemAdd: function (value) {
        chosen = !el.multiple;
        if (el.multiple) this.setTextboxValue('');
        var row = box.options[value];
        el.dispatchEvent(new CustomEvent('k-chosen', { bubbles: true, detail: row }));
        if (row && row.brings) bring(el, row.brings);
      },
      render: {
        option: function (d, esc) { return '<div>' + esc(d.text || '—') + (d.hint ? ' <span class="t3 fs12">' + esc(d.hint) + '</span>' : '') + '</div>'; },
        option_create: function (d, esc) { return '<div class="create c-brand">+ ' + esc(D.body.dataset.kNewWord || '') + ' “' + esc(d.input) + '”</div>'; },
        no_results: null
      }
    });
    box.dropdown.addEventListener('mousedown', function () {
      pressed = new Promise(function (free) { D.addEventListener('mouseup', function () { setTimeout(free, 0); }, { once: true }); });
    }, true);
    ['mousedown', 'keydown'].forEach(function (name) { box.control.addEventListener(name, function () { chosen = false; }, true); });
    if (master) {
      var was = master.value;
      master.addEventListener('change', function () {
        if (master.value === was) return;
        was = master.value;
        box.clearOptions();
        if (!box.items.length) return;
        /* what does not belong to the new one goes; what was brought along with it stays */
        fetch(el.dataset.kChoose + '?q=&limit=60&' + el.dataset.kWithin + '=' + encodeURIComponent(was), { headers: { Accept: 'application/json' } }).then(function (r) { return r.json(); }).then(function (d) {
          if (!d.results.some(function (o) { return String(o.id) === String(el.value); })) box.clear();
        });
      });
    }
  }
  function many(el) {
    if (!el.tomselect && window.TomSelect) new TomSelect(el, { plugins: ['remove_button'], placeholder: el.dataset.none || '', hidePlaceholder: true, maxOptions: 300, refreshThrottle: 0, closeAfterSelect: true,
      onItemAdd: function () { this.setTextboxValue(''); this.refreshOptions(false); },
      render: { no_results: function (_d, esc) { return '<div class="no-results">' + esc(D.body.dataset.kNoneWord || '') + '</div>'; } } });
  }
  window.kSpan = function (more) {
    var days = window.kDays().locale;
    return Object.assign({ mode: 'range', dateFormat: 'Y-m-d', allowInput: true, locale: Object.assign({}, days, { rangeSeparator: '~' }) }, more);
  };
  window.kDays = function () { return { locale: flatpickr.l10ns.zh ? Object.assign({}, flatpickr.l10ns.zh, { firstDayOfWeek: 1 }) : { firstDayOfWeek: 1 } }; };
  window.kControls = function (root) {
    all('select[data-k-choose]', root).forEach(choose);
    all('select[data-k-many]', root).forEach(many);
    if (!window.flatpickr) return;
    var zh = window.kDays().locale;
    all('[data-k-date]', root).forEach(function (e) { flatpickr(e, { locale: zh, allowInput: true, dateFormat: 'Y-m-d' }); });
    all('[data-k-span]', root).forEach(function (e) { if (!e.closest('.k-pop')) flatpickr(e, window.kSpan()); });
    all('[data-k-moment]', root).forEach(function (e) { flatpickr(e, { locale: zh, allowInput: true, enableTime: true, time_24hr: true, dateFormat: 'Y-m-d H:i' }); });
  };
  window.kControls(D);
  all('[data-k-go]').forEach(function (s) { s.addEventListener('change', function () { location.href = s.dataset.kGo + encodeURIComponent(s.value); }); });

  window.kConfirm = function (text, label, go) {
    var modal = D.getElementById('k-confirm'), box = bootstrap.Modal.getOrCreateInstance(modal), ok = modal.querySelector('[data-k-ok]');
    modal.querySelector('[data-k-text]').textContent = text;
    ok.textContent = label.trim() || ok.textContent;
    ok.onclick = function () { box.hide(); go(); };
    box.show();
  };
  D.addEventListener('click', function (e) {
    var button = e.target.closest('[data-k-confirm]');
    if (!button || button.dataset.kSure) return;
    e.preventDefault();
    window.kConfirm(button.dataset.kConfirm, button.textContent, function () { button.dataset.kSure = '1'; button.click(); delete button.dataset.kSure; });
  });
  D.addEventListener('click', function (e) {
    var close = e.target.closest('[data-k-close]');
    if (close) close.parentNode.remove();
    var opener = e.target.closest('[data-k-dialog]');
    if (!opener) return;
    var form = D.getElementById(opener.dataset.kForm);
    var ids = all('input[name=rowid]').filter(function (i) { return i.form === form && (i.type === 'hidden' || i.checked); }).map(function (i) { return i.value; });
    var back = form.elements.back ? form.elements.back.value : '';
    var which = form.dataset.kEvery === undefined ? 'ids=' + ids.join(',') : 'every=1&query=' + encodeURIComponent(form.dataset.kEvery);
    fetch(opener.dataset.kDialog + '?' + which + '&back=' + encodeURIComponent(back)).then(function (r) { return r.text(); }).then(function (html) {
      var modal = D.getElementById('k-dialog'), body = modal.querySelector('[data-k-body]');
      body.innerHTML = html;
      window.kControls(body);
      if (window.kSortable) window.kSortable(body);
      bootstrap.Modal.getOrCreateInstance(modal).show();
    });
  });
})();
