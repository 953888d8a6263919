/* The bell: how many notices are unread, asked when a page opens and when its window comes to the front. */
(function () {
  'use strict';
  var bell = document.querySelector('[data-k-bell]');
  if (!bell) return;
  function ask() {
    fetch('/notice/count', { headers: { Accept: 'application/json' } }).then(function (r) { return r.ok ? r.json() : { unread: 0 }; }).then(function (d) {
      bell.textContent = d.unread > 99 ? '99+' : d.unread;
      bell.hidden = !d.unread;
    }).catch(function () { bell.hidden = true; });
  }
  ask();
  window.addEventListener('focus', ask);
})();
