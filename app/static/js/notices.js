/* The bell (at the top of a screen, of a phone): how many notices are unread, asked when a page opens, when its window comes to the front, and
   each minute while somebody works at it (who is away is not kept logged in). */
(function () {
  'use strict';
  var bells = [].slice.call(document.querySelectorAll('[data-k-bell]'));
  if (!bells.length) return;
  function tell(n) { bells.forEach(function (bell) { bell.textContent = n > 99 ? '99+' : n; bell.hidden = !n; }); }
  function ask() {
    fetch('/notice/count', { headers: { Accept: 'application/json' } }).then(function (r) { return r.ok ? r.json() : { unread: 0 }; }).then(function (d) { tell(d.unread); })
      .catch(function () { /* without an answer the bell stays as it is */ });
  }
  var worked = Date.now();
  ['pointermove', 'keydown', 'wheel', 'touchstart'].forEach(function (what) { document.addEventListener(what, function () { worked = Date.now(); }, { passive: true }); });
  setInterval(function () { if (!document.hidden && Date.now() - worked < 120000) ask(); }, 60000);
  ask();
  [].forEach.call(document.querySelectorAll('[data-k-notice]'), function (a) {  /* whoever opens it has read it, in another window too */
    function read() {
      var data = new FormData();
      data.append('id', a.dataset.kNotice); data.append('csrf_token', document.querySelector('meta[name=csrf-token]').content);
      navigator.sendBeacon('/notice/read', data);
    }
    a.addEventListener('click', read);
    a.addEventListener('auxclick', function (e) { if (e.button === 1) read(); });
  });
  window.addEventListener('focus', ask);
})();
