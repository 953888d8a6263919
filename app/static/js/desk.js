/* The work desktop: panes of a card, the small calendar with its marks, cards moved by keyboard. */
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
    draw();
  });
})();
