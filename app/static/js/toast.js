/* A press that is answered without a new page: posting, the sentence about it, and its way back. */
(function () {
  'use strict';
  var D = document;
  window.kPost = function (url, values) {
    var data = new FormData();
    data.append('csrf_token', D.querySelector('meta[name=csrf-token]').content);
    Object.keys(values).forEach(function (k) { data.append(k, values[k]); });
    return fetch(url, { method: 'POST', body: data, headers: { Accept: 'application/json' } });
  };
  /* what: {text, batch, word (of the undo button), bad, done: called after undoing} */
  window.kToast = function (what) {
    [].slice.call(D.querySelectorAll('.k-toast')).forEach(function (old) { old.remove(); });
    var box = D.createElement('div'), said = D.createElement('span');
    box.className = 'k-toast'; box.setAttribute('role', what.bad ? 'alert' : 'status'); said.textContent = what.text; box.appendChild(said);
    if (what.batch) {
      var button = D.createElement('button');
      button.className = 'btn btn-sm'; button.textContent = what.word;
      button.onclick = function () { undo(what); };
      box.appendChild(button);
    }
    D.body.appendChild(box);
    setTimeout(function () { box.remove(); }, 30000);
  };
  function undo(what) {
    window.kPost('/undo/' + what.batch, { back: '/undo/' }).then(function (r) { return r.text(); }).then(function (html) {
      var flash = new DOMParser().parseFromString(html, 'text/html').querySelector('.k-flash .grow');
      window.kToast({ text: flash ? flash.textContent.trim() : '' });
      what.done();
    });
  }
})();
