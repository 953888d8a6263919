/* The board: a card dropped on another column moves its opportunity; a loss asks its reason; a toast takes it back. */
(function () {
  'use strict';
  var D = document, board = D.querySelector('[data-k-board]');
  if (!board || !window.Sortable) return;
  var ask = D.querySelector('[data-k-ask]');
  function csrf() { return D.querySelector('meta[name=csrf-token]').content; }
  function toast(text, batch) {
    var note = D.createElement('div');
    note.className = 'k-toast show'; note.setAttribute('role', 'status'); note.textContent = text + ' ';
    if (batch) {
      var form = D.createElement('form'), button = D.createElement('button');
      form.method = 'post'; form.action = '/undo/' + batch; form.className = 'd-inline';
      [['csrf_token', csrf()], ['back', location.pathname + location.search]].forEach(function (pair) { var i = D.createElement('input'); i.type = 'hidden'; i.name = pair[0]; i.value = pair[1]; form.appendChild(i); });
      button.className = 'btn btn-sm'; button.textContent = board.dataset.undo; form.appendChild(button); note.appendChild(form);
    }
    D.body.appendChild(note);
    setTimeout(function () { note.remove(); }, 15000);
  }
  function recount() {
    [].forEach.call(board.querySelectorAll('.k-col'), function (col) { var b = col.querySelector('[data-count]'); if (col.dataset.shift) { b.textContent = Number(b.textContent) + Number(col.dataset.shift); delete col.dataset.shift; } });
  }
  function send(e, extra) {
    var data = new FormData();
    data.append('csrf_token', csrf()); data.append('id', e.item.dataset.id); data.append('stage', e.to.closest('.k-col').dataset.stage);
    Object.keys(extra || {}).forEach(function (k) { data.append(k, extra[k]); });
    fetch(board.dataset.kBoard, { method: 'POST', body: data, headers: { Accept: 'application/json' } }).then(function (r) { return r.json().catch(function () { return { error: r.statusText }; }); }).then(function (d) {
      if (d.error) { e.from.insertBefore(e.item, e.from.children[e.oldIndex] || null); toast(d.error); return; }
      e.from.closest('.k-col').dataset.shift = -1; e.to.closest('.k-col').dataset.shift = 1; recount();
      toast(board.dataset.moved, d.batch);
    });
  }
  [].forEach.call(board.querySelectorAll('.k-col-b'), function (list) {
    Sortable.create(list, {
      group: 'stages', draggable: '.k-opp', animation: 120, ghostClass: 'k-ghost', dragClass: 'drag', filter: 'a', preventOnFilter: false,
      onEnd: function (e) {
        if (e.from === e.to) return;
        var kind = e.to.closest('.k-col').dataset.kind;
        if (kind !== 'lost' && kind !== 'void') { send(e); return; }
        ask.returnValue = '';
        ask.onclose = function () {
          if (ask.returnValue === 'ok') send(e, { reason: ask.querySelector('[name=reason]').value, note: ask.querySelector('[name=note]').value });
          else e.from.insertBefore(e.item, e.from.children[e.oldIndex] || null);
        };
        ask.showModal();
      }
    });
  });
})();
