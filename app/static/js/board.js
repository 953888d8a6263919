/* The board: a card dropped on another stage moves its opportunity, or its button does; a loss asks its reason; a toast takes it back.
   After every move the board is fetched again, so that all figures are the server's. */
(function () {
  'use strict';
  var D = document, board = D.querySelector('[data-k-board]');
  if (!board || !window.Sortable) return;
  var ask = D.querySelector('[data-k-ask]'), reason = ask.querySelector('[name=reason]'), note = ask.querySelector('[name=note]');
  function all(selector, root) { return [].slice.call((root || D).querySelectorAll(selector)); }
  var post = window.kPost;
  function toast(text, batch, bad) { window.kToast({ text: text, batch: batch, word: board.dataset.undo, bad: bad, done: refresh }); }
  function refresh(focus) {
    return fetch(location.href).then(function (r) { return r.text(); }).then(function (html) {
      var fresh = new DOMParser().parseFromString(html, 'text/html'), tops = {}, left = board.scrollLeft;
      all('[data-stage]', board).forEach(function (p) { tops[p.dataset.stage] = p.querySelector('[data-k-cards]').scrollTop; });
      board.replaceChildren.apply(board, [].slice.call(fresh.querySelector('[data-k-board]').childNodes));
      D.querySelector('[data-k-totals]').replaceWith(fresh.querySelector('[data-k-totals]'));
      board.scrollLeft = left;
      all('[data-stage]', board).forEach(function (p) { p.querySelector('[data-k-cards]').scrollTop = tops[p.dataset.stage] || 0; });
      start();
      var card = focus && board.querySelector('[data-id="' + focus + '"] .n a');
      if (card) card.focus();
    });
  }
  function move(id, stage, extra, undone) {
    return post(board.dataset.kBoard, Object.assign({ id: id, stage: stage }, extra)).then(function (r) {
      return r.json().catch(function () { return { error: r.statusText }; });
    }, function () { return { error: '—' }; }).then(function (d) {
      if (d.error) { undone(); toast(d.error, null, true); return null; }
      return refresh(id).then(function () { toast(board.dataset.moved, d.batch); });
    });
  }
  function closing(id, stage, undone) {
    reason.value = ''; note.value = ''; note.required = false; ask.returnValue = '';
    reason.onchange = function () { note.required = reason.value === 'other'; };
    ask.onclose = function () {
      if (ask.returnValue === 'ok') move(id, stage, { reason: reason.value, note: note.value }, undone);
      else undone();
    };
    ask.showModal();
  }
  function start() {
    all('[data-k-cards]', board).forEach(function (list) {
      Sortable.create(list, {
        group: 'stages', draggable: '.k-opp', animation: 120, ghostClass: 'k-ghost', dragClass: 'drag', delay: 160, delayOnTouchOnly: true,
        onEnd: function (e) {
          if (e.from === e.to) return;
          var to = e.to.closest('[data-stage]'), back = function () { e.from.insertBefore(e.item, e.from.children[e.oldIndex] || null); };
          if (to.dataset.kind === 'lost' || to.dataset.kind === 'void') closing(e.item.dataset.id, to.dataset.stage, back);
          else move(e.item.dataset.id, to.dataset.stage, {}, back);
        }
      });
    });
  }
  board.addEventListener('click', function (e) {
    var button = e.target.closest('[data-k-advance]');
    if (!button) return;
    e.preventDefault();
    var parts = all('[data-stage][data-kind=open]', board), at = parts.indexOf(button.closest('[data-stage]'));
    move(button.value, parts[at + 1].dataset.stage, {}, function () { /* it never left its place */ });
  });
  if (D.getElementById('k-advance') && board.querySelector('.k-drop')) start();
})();
