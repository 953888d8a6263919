/* Before the first paint: light or dark as chosen, else as the system says. */
(function () {
  var chosen = null;
  try { chosen = localStorage.getItem('k-theme'); } catch (e) { /* private mode */ }
  var dark = chosen ? chosen === 'dark' : window.matchMedia && matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.setAttribute('data-bs-theme', dark ? 'dark' : 'light');
  document.addEventListener('click', function (e) {
    if (!e.target.closest || !e.target.closest('[data-k-theme]')) return;
    var next = document.documentElement.getAttribute('data-bs-theme') === 'dark' ? 'light' : 'dark';
    document.documentElement.setAttribute('data-bs-theme', next);
    try { localStorage.setItem('k-theme', next); } catch (err) { /* private mode */ }
  });
})();
