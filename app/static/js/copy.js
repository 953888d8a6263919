/* [data-k-copy]: the text of the named field goes to the clipboard. */
(function () {
  'use strict';
  document.addEventListener('click', function (e) {
    var button = e.target.closest('[data-k-copy]');
    if (!button) return;
    var field = document.getElementById(button.dataset.kCopy);
    function old() { field.classList.remove('sr'); field.select(); document.execCommand('copy'); field.classList.add('sr'); }
    if (navigator.clipboard && window.isSecureContext) navigator.clipboard.writeText(field.value).catch(old); else old();
    button.classList.add('btn-soft');
  });
})();
