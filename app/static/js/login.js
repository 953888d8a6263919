/* The check box opens the two fields; the loading note shows while the first login works. */
(function () {
  var box = document.querySelector('[data-k-opens]');
  if (box) box.addEventListener('change', function () { document.querySelector(box.dataset.kOpens).hidden = !box.checked; });
  var form = document.querySelector('[data-k-busy]');
  if (form) form.addEventListener('submit', function () { form.querySelector('[data-k-note]').textContent = form.dataset.kBusy; });
})();
