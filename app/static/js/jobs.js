/* A running job tells how far it is; when it ends the page shows its result. */
(function () {
  'use strict';
  var box = document.querySelector('[data-k-job]');
  if (!box) return;
  var bar = box.querySelector('i'), text = box.querySelector('[data-k-text]');
  function ask() {
    fetch(box.dataset.kJob, { headers: { Accept: 'application/json' } }).then(function (r) {
      if (r.status === 401) location.reload();  /* a restore ends everybody's session */
      return r.json();
    }).then(function (d) {
      if (d.state !== 'queued' && d.state !== 'running') { location.reload(); return; }
      bar.style.width = (d.total ? 100 * d.done / d.total : 2) + '%';
      text.textContent = d.done + ' / ' + (d.total || '…');
      setTimeout(ask, 700);
    }).catch(function () { setTimeout(ask, 2000); });
  }
  ask();
})();
(function () {
  'use strict';
  var all = document.querySelector('[data-k-all-create]');
  if (all) all.addEventListener('click', function () {
    [].forEach.call(document.querySelectorAll('select[name^="d:"]'), function (s) { if (!s.value && s.querySelector('option[value=create]')) s.value = 'create'; });
  });
})();
