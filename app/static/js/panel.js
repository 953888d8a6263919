/* The quick-filter panel: pop-ups of conditions, short addresses, counts of the views in the left menu. */
(function () {
  'use strict';
  var D = document;
  function all(selector, root) { return [].slice.call((root || D).querySelectorAll(selector)); }
  function shut(but) { all('details[data-k-pop][open]').forEach(function (d) { if (d !== but) d.open = false; }); }
  function say(pop) { // what is chosen stands in the control
    var said = pop.querySelector('[data-k-said]'), text = '', low, high, span, radio;
    if (!said) return;
    if (pop.dataset.kPop === 'checks') text = all('input:checked', pop).map(function (i) { return i.parentNode.textContent.trim(); }).join('、');
    if (pop.dataset.kPop === 'range') { low = pop.querySelector('[name$=".low"]').value; high = pop.querySelector('[name$=".high"]').value; text = low || high ? (low || '…') + ' ~ ' + (high || '…') : ''; }
    if (pop.dataset.kPop === 'day') {
      span = pop.querySelector('[data-k-span]').value; radio = pop.querySelector('input[type=radio]:checked');
      text = span || (radio && radio.value ? radio.parentNode.textContent.trim() : '');
    }
    said.textContent = text || said.dataset.none;
    pop.classList.toggle('on', !!text);
  }
  D.addEventListener('click', function (e) { shut(e.target.closest && e.target.closest('details[data-k-pop]')); });
  D.addEventListener('keydown', function (e) {
    var open = D.querySelector('details[data-k-pop][open]');
    if (!open) return;
    if (e.key === 'Escape') { open.open = false; open.querySelector('summary').focus(); }
    if (e.key === 'Enter' && e.target.tagName === 'INPUT' && open.contains(e.target) && open.dataset.kPop) { e.preventDefault(); open.open = false; open.querySelector('summary').focus(); }
  });
  all('details[data-k-pop]').forEach(function (pop) {
    var span = pop.querySelector('[data-k-span]'), popup = pop.querySelector('.k-popup');
    pop.addEventListener('toggle', function () {
      if (!pop.open) return;
      popup.classList.remove('end');
      if (span && window.flatpickr && !span._flatpickr) flatpickr(span, window.kSpan({ inline: true, onChange: function (days) {
        if (days.length) all('input[type=radio]', pop).forEach(function (r) { r.checked = false; });
        say(pop);
        if (days.length === 2) pop.open = false;
      } }));
      if (popup.getBoundingClientRect().right > window.innerWidth - 8) popup.classList.add('end');
      var first = popup.querySelector('input:not([type=hidden]):not([type=radio])');
      if (first && !span) first.focus();
    });
    pop.addEventListener('change', function (e) {
      if (e.target.type === 'radio') {
        if (span) { if (span._flatpickr) span._flatpickr.clear(false); span.value = ''; }
        pop.open = false;
      }
      say(pop);
    });
  });
  all('form[data-k-tidy]').forEach(function (form) {
    form.addEventListener('submit', function () { [].forEach.call(form.elements, function (el) { if (el.name && el.value === '' && el.type !== 'hidden') { el.disabled = true; el.dataset.tidy = '1'; } }); });
    window.addEventListener('pageshow', function () { all('[data-tidy]', form).forEach(function (el) { el.disabled = false; delete el.dataset.tidy; }); });
  });
  var views = D.querySelector('[data-k-views]');
  if (views) {
    var key = 'k-views:' + views.dataset.kViews, kept = null, show = function (d) { all('[data-k-view]', views).forEach(function (b) { var n = d[b.dataset.kView]; b.textContent = n == null ? '' : n > 10000 ? '10,000+' : n; }); };
    try { kept = JSON.parse(sessionStorage.getItem(key) || 'null'); } catch (e) { /* private mode */ }
    if (kept) show(kept.counts);
    if (!kept || Date.now() - kept.at > 30000 || D.querySelector('.k-flash')) fetch('/filter/counts', { headers: { Accept: 'application/json' } }).then(function (r) { return r.ok ? r.json() : {}; }).then(function (d) {
      show(d);
      try { sessionStorage.setItem(key, JSON.stringify({ at: Date.now(), counts: d })); } catch (e) { /* private mode */ }
    }).catch(function () { /* counts are a comfort */ });
  }
})();
