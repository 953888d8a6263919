/* A table of amounts that belong together: the terms of a contract, the shares of a receipt. Adds up, in whole fen. */
(function () {
  'use strict';
  var box = document.querySelector('[data-k-amounts]');
  if (!box) return;
  var body = box.querySelector('tbody'), next = 0, total = BigInt(box.dataset.total || 0);
  function all(selector, root) { return [].slice.call((root || box).querySelectorAll(selector)); }
  function one(selector) { return box.querySelector(selector); }
  function fen(text) { /* '1.5' in hundredths, half up */
    var found = /^(-?)(\d*)(?:\.(\d*))?$/.exec((text || '').replace(/[,，¥￥%％\s]/g, ''));
    if (!found) return 0n;
    var n = (BigInt(found[2] || '0') * 1000n + BigInt(((found[3] || '') + '000').slice(0, 3)) + 5n) / 10n;
    return found[1] ? -n : n;
  }
  function plain(n) { var minus = n < 0n, t = String(minus ? -n : n).padStart(3, '0'); return (minus ? '-' : '') + t.slice(0, -2) + '.' + t.slice(-2); }
  function yuan(n) { return plain(n).replace(/\B(?=(\d{3})+\.)/g, ','); }
  function short(n) { return plain(n).replace(/\.?0+$/, ''); }
  function half(over, under) { return (over * 2n + under) / (under * 2n); }
  function inputs() { return all('[data-k-fen]', body); }
  function add() {
    var sum = inputs().reduce(function (n, el) { return n + fen(el.value); }, 0n), whole = one('[data-k-whole]');
    one('[data-k-sum]').textContent = yuan(sum);
    all('[data-k-line]', body).forEach(function (row, n) {
      var part = row.querySelector('[data-k-part]'), at = row.querySelector('[data-k-n]');
      if (at) at.textContent = n + 1;
      if (part && part !== document.activeElement) part.value = total ? short(half(fen(row.querySelector('[data-k-fen]').value) * 10000n, total)) : '';
    });
    if (total) {
      var left = total - BigInt(box.dataset.done) - sum, cell = one('[data-k-left]');
      cell.textContent = yuan(left); cell.classList.toggle('c-red', left < 0n);
      one('[data-k-parts]').textContent = short(half(sum * 10000n, total)) + '%';
    }
    if (whole) {
      var rest = fen(whole.value) - sum, note = one('[data-k-unshared]');
      note.hidden = !whole.value || rest === 0n;
      note.querySelector('b').textContent = yuan(rest);
    }
  }
  function fresh() {
    var holder = document.createElement('tbody');
    while (one('[name^="terms-' + next + '-"]')) next++;
    holder.innerHTML = one('[data-k-blank]').innerHTML.replace(/terms-blank/g, 'terms-' + next++);
    var row = holder.firstElementChild;
    body.appendChild(row);
    window.kControls(row);
    return row;
  }
  function changed() { box.dispatchEvent(new Event('input', { bubbles: true })); }
  box.addEventListener('click', function (e) {
    if (e.target.closest('[data-k-more]')) { fresh().querySelector('[data-k-fen]').focus(); changed(); }
    if (e.target.closest('[data-k-cut]')) {
      var row = e.target.closest('tr');
      while (row.nextElementSibling && row.nextElementSibling.matches('[data-k-fault]')) row.nextElementSibling.remove();
      row.remove(); changed();
    }
    if (e.target.closest('[data-k-rest]')) {
      var last = inputs().pop(), others = inputs().slice(0, -1).reduce(function (n, el) { return n + fen(el.value); }, 0n);
      if (last) { last.value = plain(total - BigInt(box.dataset.done) - others); changed(); }
    }
    if (e.target.closest('[data-k-share-out]')) {
      var whole = one('[data-k-whole]'), rest = fen(whole.value);
      if (!rest) { whole.focus(); return; }
      inputs().forEach(function (el) {
        var most = BigInt(el.closest('[data-left]').dataset.left), share = rest < most ? rest : most;
        el.value = share ? plain(share) : ''; rest -= share;
      });
      changed();
    }
  });
  box.addEventListener('input', function (e) {
    if (e.target.matches && e.target.matches('[data-k-part]')) e.target.closest('tr').querySelector('[data-k-fen]').value = plain(half(total * fen(e.target.value), 10000n));
    add();
  });
  box.addEventListener('change', add);
  add();
})();
