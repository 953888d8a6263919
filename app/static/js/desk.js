/* The work desktop: panes of a card, the small calendar with its marks, cards moved by keyboard, work done in a row. */
(function () {
  'use strict';
  var D = document;
  function all(selector, root) { return [].slice.call((root || D).querySelectorAll(selector)); }
  D.addEventListener('click', function (e) {
    var show = e.target.closest('[data-k-show]'), move = e.target.closest('[data-k-move]');
    if (show) {
      all('[data-k-show]', show.parentNode).forEach(function (b) { b.classList.toggle('active', b === show); b.setAttribute('aria-pressed', b === show); });
      turn(show.closest('.k-card'), show.dataset.kShow);
    }
    if (move) {
      var li = move.closest('li'), other = move.dataset.kMove < 0 ? li.previousElementSibling : li.nextElementSibling;
      if (other) { li.parentNode.insertBefore(move.dataset.kMove < 0 ? li : other, move.dataset.kMove < 0 ? other : li); move.focus(); }
    }
  });
  function turn(card, pane) { all('[data-k-pane]', card).forEach(function (p) { p.hidden = p.dataset.kPane !== pane; }); }
  D.addEventListener('change', function (e) {
    if (e.target.matches('[data-k-pick]')) turn(e.target.closest('.k-card'), e.target.value);
    if (e.target.matches('[data-k-go]')) e.target.form.submit();
  });
  D.addEventListener('shown.bs.collapse', function (e) { var field = e.target.querySelector('[name=content]'); if (field) field.focus(); });
  /* A form inside a row is posted as it would be without this script; of the page that answers only the parts that changed are taken. */
  var todo = D.querySelector('[data-card=today]');
  if (todo) todo.addEventListener('submit', function (e) {
    var form = e.target, row = form.closest('[data-row]'), at = all('[data-row]', todo).indexOf(row);
    e.preventDefault();
    if (row.getAttribute('aria-busy')) return;
    row.setAttribute('aria-busy', 'true');
    fetch(form.action, { method: 'POST', body: new FormData(form) }).then(read).then(function (page) {
      var flash = page.querySelector('.k-flash:not(.k-readonly)'), bad = flash.getAttribute('role') === 'alert', undo = flash.querySelector('form');
      row.removeAttribute('aria-busy');
      if (!bad) take(page, row.dataset.row, at, form.action);
      window.kToast({ text: flash.querySelector('.grow').textContent.trim(), bad: bad, batch: undo && undo.action.split('/').pop(), word: todo.dataset.undo, done: function () {
        fetch(location.href).then(read).then(function (page) { take(page, row.dataset.row, at, form.action); });
      } });
    }).catch(function (e) {  /* refused: posted as without this script; no answer: perhaps it is done, so not once more */
      if (/^\d+$/.test(e.message)) form.submit(); else location.reload();
    });
  });
  function read(r) {
    if (!r.ok) throw new Error(r.status);
    return r.text().then(function (html) { return new DOMParser().parseFromString(html, 'text/html'); });
  }
  /* Put the fresh parts of a page in; the focus stays where it was, on the same button of the row (or the one that has moved up). */
  function take(page, key, at, action) {
    var list = todo.querySelector('.k-todo'), top = list.scrollTop;
    var begun = all('[data-row]', todo).map(function (r) { return { row: r.dataset.row, box: r.dataset.row !== key && r.querySelector('.collapse.show, .collapsing') }; }).filter(function (b) { return b.box; });
    begun.forEach(function (b) { b.box.remove(); });  /* what is being written in other rows stays */
    all('[data-k-fresh]').forEach(function (old) {
      var part = page.querySelector('[data-k-fresh="' + old.dataset.kFresh + '"]');
      if (!part) return;
      all('input', old).forEach(function (i) { if (i._flatpickr) i._flatpickr.destroy(); });
      old.innerHTML = part.innerHTML; window.kControls(old);
    });
    begun.forEach(function (b) { var fresh = D.getElementById(b.box.id); if (fresh) fresh.replaceWith(b.box); });
    list = todo.querySelector('.k-todo'); list.scrollTop = top;
    var rows = all('[data-row]', todo), row = rows.filter(function (r) { return r.dataset.row === key; })[0] || rows[Math.min(at, rows.length - 1)];
    var kind = action.indexOf('/desk/follow/') >= 0 ? '[data-bs-toggle=collapse]' : 'form[action$="/' + action.split('/').pop() + '"] button';
    var next = row && (row.querySelector(kind) || row.querySelector('.k-what')) || todo.querySelector('a');
    next.focus({ preventScroll: true });
    D.dispatchEvent(new Event('k-done'));
  }
  all('[data-k-sheet]').forEach(function (card) {
    var box = card.querySelector('[data-k-days]'), title = card.querySelector('[data-k-title]'), month = card.dataset.month;
    function two(n) { return (n < 10 ? '0' : '') + n; }
    function key(d) { return d.getFullYear() + '-' + two(d.getMonth() + 1) + '-' + two(d.getDate()); }
    function draw() {
      var first = new Date(month + '-01T00:00:00'), at = new Date(first);
      at.setDate(1 - (first.getDay() + 6) % 7);
      all('a', box).forEach(function (a) { a.remove(); });
      title.textContent = month;
      var days = {};
      for (var n = 0; n < 42; n++, at.setDate(at.getDate() + 1)) {
        var a = D.createElement('a'), day = key(at);
        a.href = '/calendar/?date=' + day; a.textContent = at.getDate(); a.setAttribute('aria-label', day);
        a.className = (at.getMonth() !== first.getMonth() ? 'o ' : '') + (at.getDay() % 6 === 0 ? 'we ' : '') + (day === card.dataset.today ? 'now' : '');
        if (day === card.dataset.today) a.setAttribute('aria-current', 'date');
        box.appendChild(a); days[day] = a;
      }
      var asked = month;
      fetch(card.dataset.kSheet + month + '?whose=' + card.dataset.whose, { headers: { Accept: 'application/json' } }).then(function (r) { return r.ok ? r.json() : {}; }).then(function (marks) {
        if (asked !== month) return;
        Object.keys(marks).forEach(function (day) { marks[day].forEach(function (kind) { var i = D.createElement('i'); i.className = 'm' + ['task', 'call', 'plan'].indexOf(kind); if (days[day]) days[day].appendChild(i); }); });
        card.dataset.drawn = month;
      }).catch(function () { /* marks are a comfort */ });
    }
    card.addEventListener('click', function (e) {
      var turn = e.target.closest('[data-k-turn]');
      if (!turn) return;
      var d = new Date(month + '-01T00:00:00');
      d.setMonth(d.getMonth() + Number(turn.dataset.kTurn));
      month = d.getFullYear() + '-' + two(d.getMonth() + 1);
      draw();
    });
    D.addEventListener('k-done', draw);
    draw();
  });
})();
