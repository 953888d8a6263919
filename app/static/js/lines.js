/* Lines of a document: add, remove, order; take over what a product knows; add up as the server does (half up, to the fen). */
(function () {
  'use strict';
  var box = document.querySelector('[data-k-lines]');
  if (!box) return;
  var form = box.closest('form'), body = box.querySelector('tbody'), next = body.querySelectorAll('[data-k-line]').length, typing = false;
  function all(selector, root) { return [].slice.call(root.querySelectorAll(selector)); }
  function half(over, under) { return over < 0n ? -((-over * 2n + under) / (under * 2n)) : (over * 2n + under) / (under * 2n); }
  function parts(text, places) { // '1.5' with 3 places: 1500n
    var found = /^-?\d*(?:\.(\d*))?$/.exec((text || '').replace(/[,，¥￥%]/g, '').trim());
    if (!found) return 0n;
    var t = found[0].split('.'), rest = ((t[1] || '') + '000000').slice(0, places), minus = t[0][0] === '-';
    var n = BigInt((t[0] || '0').replace('-', '') || '0') * BigInt(Math.pow(10, places)) + BigInt(rest || '0');
    return minus ? -n : n;
  }
  function yuan(fen) {
    var minus = fen < 0n, n = minus ? -fen : fen, cents = String(n % 100n);
    return (minus ? '-' : '') + String(n / 100n).replace(/\B(?=(\d{3})+$)/g, ',') + '.' + ('0' + cents).slice(-2);
  }
  function field(row, name) { return row.querySelector('[name$="-' + name + '"]'); }
  function doc(name) { return form.elements[name] ? form.elements[name].value : ''; }
  function add() {
    var sum = 0n, before = 0n, tax = 0n, rate100 = form.elements.discount && doc('discount') !== '' ? parts(doc('discount'), 2) : 10000n;
    all('[data-k-line]', body).forEach(function (row) {
      var price = parts(field(row, 'price').value, 2), rate = parts(field(row, 'tax_rate').value, 2), quantity = field(row, 'quantity').value;
      var net = half(price * (quantity === '' ? 1000n : parts(quantity, 3)), 1000n);
      var gross = field(row, 'is_taxed').checked ? net : net + half(net * rate, 10000n);
      sum += gross;
      var upto = half(sum * rate100, 10000n), share = upto - before;
      before = upto; tax += half(share * rate, 10000n + rate);
      row.querySelector('[data-k-amount]').textContent = gross ? yuan(gross) : '';
      var list = row.dataset.list ? parts(row.dataset.list, 2) : 0n, said = row.querySelector('[data-k-discount]');
      said.textContent = list && list !== price ? (Number(half(price * 10000n, list)) / 100) + '%' : '';
    });
    var total = before - parts(doc('reduction'), 2) + parts(doc('fees'), 2);
    box.querySelector('[data-k-sum]').textContent = yuan(sum);
    box.querySelector('[data-k-tax]').textContent = yuan(tax);
    if (!typing) box.querySelector('[data-k-total]').value = sum ? yuan(total) : '';
    if (form.elements.amount && sum && form.elements.amount.type !== 'hidden') { form.elements.amount.value = yuan(total).replace(/,/g, ''); form.elements.amount.readOnly = true; }
    if (form.elements.amount && !sum) form.elements.amount.readOnly = false;
    return before;
  }
  function more() {
    var copy = box.querySelector('template').innerHTML.replace(/blank/g, 'lines-' + next++), holder = document.createElement('tbody');
    holder.innerHTML = copy;
    var row = holder.firstElementChild;
    body.appendChild(row);
    window.kControls(row);
    return row;
  }
  box.addEventListener('click', function (e) {
    if (e.target.closest('[data-k-more]')) { var row = more(); field(row, 'name').focus(); }
    var cut = e.target.closest('[data-k-cut]');
    if (cut) { cut.closest('tr').remove(); add(); form.dispatchEvent(new Event('input')); }
  });
  box.addEventListener('k-chosen', function (e) {
    var row = e.target.closest('[data-k-line]'), fill = e.detail && e.detail.fill;
    if (!row || !fill) return;
    Object.keys(fill).forEach(function (name) { var el = field(row, name); if (el) el.value = fill[name]; });
    row.dataset.list = fill.list_price;
    add();
  });
  box.addEventListener('input', function (e) {
    var total = e.target.closest('[data-k-total]');
    if (total) {
      typing = true;
      var left = add() + parts(doc('fees'), 2) - parts(total.value, 2);
      if (form.elements.reduction) form.elements.reduction.value = yuan(left < 0n ? 0n : left).replace(/,/g, '');
      add(); typing = false;
    } else add();
  });
  ['discount', 'reduction', 'fees'].forEach(function (name) { if (form.elements[name]) form.elements[name].addEventListener('input', add); });
  if (window.Sortable) Sortable.create(body, {
    handle: '[data-k-grip]', animation: 120, onEnd: function () {
      all('[data-k-line]', body).forEach(function (row, n) { all('[name^="lines-"]', row).forEach(function (el) { el.name = el.name.replace(/^lines-\d+/, 'lines-' + (1000 + n)); }); });
      next = 2000; add();
    }
  });
  add();
})();
