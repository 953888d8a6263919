/* The bell (at the top of a screen, of a phone): how many notices are unread, asked when a page opens and when its window comes to the front. */
(function () {
  'use strict';
  var bells = [].slice.call(document.querySelectorAll('[data-k-bell]'));
  if (!bells.length) return;
  function tell(n) { bells.forEach(function (bell) { bell.textContent = n > 99 ? '99+' : n; bell.hidden = !n; }); }
  function ask() {
    fetch('/notice/count', { headers: { Accept: 'application/json' } }).then(function (r) { return r.ok ? r.json() : { unread: 0 }; }).then(function (d) { tell(d.unread); })
      .catch(function () { tell(0); });
  }
  ask();
  window.addEventListener('focus', ask);
})();
