/* A grid of cells: arrows and Enter move, a block pasted from a spreadsheet fills the cells from here on (years alone are spread over
   their open months), sums follow what is typed. */
(function () {
  'use strict';
  function all(selector, root) { return [].slice.call(root.querySelectorAll(selector)); }
  function number(text) {
    var t = String(text || '').replace(/[,，\s¥￥元]/g, ''), n = parseFloat(t) * ({ '万': 1e4, '亿': 1e8 }[t.slice(-1)] || 1);
    return isFinite(n) ? n : 0;
  }
  function shown(n) { return n ? n.toLocaleString('en-US', { maximumFractionDigits: 2 }) : ''; }
  all('[data-k-grid]', document).forEach(function (form) {
    var rows = all('tbody tr', form).map(function (tr) { return all('td.ed input:not([type=hidden])', tr); }).filter(function (r) { return r.length; });
    var changed = false;
    function place(input) { for (var r = 0; r < rows.length; r++) { var c = rows[r].indexOf(input); if (c >= 0) return [r, c]; } return null; }
    function column(input) { return input.hasAttribute('data-k-year') ? 0 : Number((/-(\d+)$/.exec(input.name) || [0, 0])[1]); } // 0: the whole year
    function at(r, month) { return (rows[r] || []).filter(function (i) { return column(i) === month; })[0]; }
    function sums() {
      if (!form.hasAttribute('data-k-sums')) return;
      var whole = {}, group = {}, head = null;
      function put(tr, months) {
        var year = 0;
        for (var q = 1; q <= 4; q++) {
          var part = 0;
          for (var m = 3 * q - 2; m <= 3 * q; m++) { part += months[m] || 0; var cell = tr.querySelector('[data-k-month="' + m + '"]'); if (cell) cell.textContent = shown(months[m]); }
          tr.querySelector('[data-k-quarter="' + q + '"]').textContent = shown(part); year += part;
        }
        var y = tr.querySelector('[data-k-year]');
        if (y.tagName !== 'INPUT') y.textContent = shown(year); else if (!y.dataset.typed) y.value = year ? String(Math.round(year * 100) / 100) : '';
      }
      all('tbody tr', form).forEach(function (tr) {
        if (tr.hasAttribute('data-k-group')) { if (head) put(head, group); head = tr; group = {}; return; }
        if (tr.hasAttribute('data-k-all')) { if (head) put(head, group); put(tr, whole); return; }
        var months = {};
        all('input[name^="cell-"]', tr).forEach(function (i) { var m = column(i); months[m] = number(i.value); group[m] = (group[m] || 0) + months[m]; whole[m] = (whole[m] || 0) + months[m]; });
        put(tr, months);
      });
    }
    function spread(year) { // evenly over the open months, in whole units; what stands in closed ones is taken off first
      var months = all('input[name^="cell-"]', year.closest('tr')), open = months.filter(function (i) { return i.type !== 'hidden'; });
      var rest = months.reduce(function (left, i) { return i.type === 'hidden' ? left - Math.round(100 * number(i.value)) : left; }, Math.round(100 * number(year.value)));
      delete year.dataset.typed;
      if (!year.value) return;
      if (rest < 0 || !open.length || !/\d/.test(year.value)) { year.dataset.typed = '1'; return; } // as if typed: the server says why
      var units = Math.floor(rest / 100), done = 0;
      open.forEach(function (i, n) {
        var upto = Math.round(units * (n + 1) / open.length);
        i.value = upto - done + (n === open.length - 1 ? rest % 100 / 100 : 0); done = upto;
      });
    }
    function fill(start, text) {
      var from = place(start), month = column(start), lines = text.replace(/\r/g, '').replace(/\n$/, '').split('\n');
      lines.forEach(function (line, dy) {
        var values = line.split('\t'), year = at(from[0] + dy, 0);
        values.forEach(function (value, dx) {
          var cell = at(from[0] + dy, month + dx);
          if (cell) cell.value = value.trim().replace(/^[-—]$/, '');
        });
        if (month || !year) return;
        if (values.length > 1) delete year.dataset.typed; else spread(year); // with its months pasted, the year is their sum
      });
      changed = true; sums();
    }
    form.addEventListener('paste', function (e) {
      var text = (e.clipboardData || window.clipboardData).getData('text');
      if (!place(e.target) || !/[\t\n]/.test(text.trim())) return;
      e.preventDefault(); fill(e.target, text);
    });
    form.addEventListener('input', function (e) { changed = true; if (e.target.hasAttribute('data-k-year')) e.target.dataset.typed = '1'; sums(); });
    form.addEventListener('keydown', function (e) {
      var here = place(e.target); if (!here) return;
      var step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], Enter: [e.shiftKey ? -1 : 1, 0] }[e.key], input = e.target;
      if (e.key === 'ArrowLeft' && input.selectionStart === 0 && input.selectionEnd === 0) step = [0, -1];
      if (e.key === 'ArrowRight' && input.selectionStart === input.value.length) step = [0, 1];
      if (!step || e.ctrlKey || e.metaKey) return;
      var next = step[0] ? at(here[0] + step[0], column(input)) : rows[here[0]][here[1] + step[1]];
      e.preventDefault();
      if (next) { next.focus(); next.select(); }
    });
    form.addEventListener('submit', function () { changed = false; });
    window.addEventListener('beforeunload', function (e) { if (changed) e.preventDefault(); });
    sums();
  });
})();
