/* Lines of a document: add, choose several, paste, remove, order; take over what a product knows; add up as the server does
   (app/products/amounts.py: half up, to the fen, whole numbers only). */
(function () {
  'use strict';
  var D = document, box = D.querySelector('[data-k-lines]');
  if (!box) return;
  var form = box.closest('form'), body = box.querySelector('tbody'), next = body.querySelectorAll('[data-k-line]').length, typing = null;
  function all(selector, root) { return [].slice.call((root || D).querySelectorAll(selector)); }
  function one(selector) { return box.querySelector(selector); }
  function field(row, name) { return row.querySelector('[name$="-' + name + '"]'); }
  function doc(name) { return form.elements[name] ? form.elements[name].value : ''; }

  /* ---- numbers ---- */
  function half(over, under) { return over < 0n ? -((-over * 2n + under) / (under * 2n)) : (over * 2n + under) / (under * 2n); }
  function parts(text, places) { /* '1.5' with 3 places: 1500n, more decimals rounded half up */
    var found = /^(-?)(\d*)(?:\.(\d*))?$/.exec((text || '').replace(/[,，¥￥%％\s]/g, ''));
    if (!found) return 0n;
    var n = BigInt(found[2] || '0') * 1000000n + BigInt(((found[3] || '') + '000000').slice(0, 6));
    n = half(n, BigInt(Math.pow(10, 6 - places)));
    return found[1] ? -n : n;
  }
  function plain(n, places) { /* 1234n with 2 places: '12.34' */
    var minus = n < 0n, text = String(minus ? -n : n).padStart(places + 1, '0');
    return (minus ? '-' : '') + text.slice(0, -places) + '.' + text.slice(-places);
  }
  function yuan(fen) { var t = plain(fen, 2).split('.'); return t[0].replace(/\B(?=(\d{3})+$)/g, ',') + '.' + t[1]; }
  function short(n) { return plain(n, 2).replace(/\.?0+$/, ''); }
  function group(four) {
    var text = '', gap = false;
    [[1000, '仟'], [100, '佰'], [10, '拾'], [1, '']].forEach(function (u) {
      var digit = Math.floor(four / u[0]) % 10;
      if (digit) { text += (gap && text ? '零' : '') + '零壹贰叁肆伍陆柒捌玖'[digit] + u[1]; gap = false; } else gap = true;
    });
    return text;
  }
  function capitals(fen) { /* app/core/money.py capitals */
    var n = fen < 0n ? -fen : fen, whole = n / 100n, jiao = Number(n / 10n % 10n), cent = Number(n % 10n), digits = '零壹贰叁肆伍陆柒捌玖', text = '', zero = false;
    ['万亿', '亿', '万', ''].forEach(function (name, i) {
      var four = Number(whole / (10000n ** BigInt(3 - i)) % 10000n);
      if (four) { text += (text && (zero || four < 1000) ? '零' : '') + group(four) + name; zero = false; } else if (text) zero = true;
    });
    if (text) text += '元';
    if (jiao) text += (text && whole % 10n === 0n ? '零' : '') + digits[jiao] + '角';
    if (cent) text += (text && !jiao ? '零' : '') + digits[cent] + '分';
    return (fen < 0n ? '负' : '') + (text || '零元') + (cent ? '' : '整');
  }

  /* ---- adding up ---- */
  function add() {
    var sum = 0n, before = 0n, tax = 0n, listed = 0n, whole = form.elements.discount && doc('discount') !== '' ? parts(doc('discount'), 2) : 10000n;
    all('[data-k-line]', body).forEach(function (row, n) {
      var price = parts(field(row, 'price').value, 2), rate = parts(field(row, 'tax_rate').value, 2), typed = field(row, 'quantity').value;
      var quantity = typed === '' ? 1000n : parts(typed, 3), net = half(price * quantity, 1000n);
      var gross = field(row, 'is_taxed').checked ? net : net + half(net * rate, 10000n), list = parts(field(row, 'list_price').value, 2);
      sum += gross;
      listed += list ? half(list * quantity, 1000n) : net;
      var upto = half(sum * whole, 10000n), share = upto - before;
      before = upto; tax += half(share * rate, 10000n + rate);
      row.querySelector('[data-k-n]').textContent = n + 1;
      row.querySelector('[data-k-amount]').textContent = gross ? yuan(gross) : '';
      row.querySelector('[data-k-list]').textContent = list ? yuan(list) : '—';
      var percent = row.querySelector('[data-k-discount]');
      percent.disabled = !list;
      if (percent !== typing) percent.value = list && field(row, 'price').value !== '' ? short(half(price * 10000n, list)) : '';
    });
    var total = before - parts(doc('reduction'), 2) + parts(doc('fees'), 2), rows = all('[data-k-line]', body).length;
    one('[data-k-sum]').textContent = yuan(sum);
    one('[data-k-tax]').textContent = yuan(tax);
    one('[data-k-many]').textContent = rows ? rows : '';
    one('[data-k-words]').textContent = sum ? capitals(total) : '';
    if (one('[data-k-total]') !== typing) one('[data-k-total]').value = sum ? yuan(total) : '';
    var share = one('[data-k-share]');
    share.hidden = !sum || !listed || listed === total;
    if (!share.hidden) share.querySelector('dd').textContent = short(half(total * 10000n, listed)) + '%';
    if (form.elements.amount) { if (sum) form.elements.amount.value = plain(total, 2); form.elements.amount.readOnly = Boolean(sum); }
    return before;
  }

  /* ---- rows ---- */
  function fresh() {
    var holder = D.createElement('tbody');
    holder.innerHTML = box.querySelector('[data-k-blank]').innerHTML.replace(/blank/g, 'lines-' + next++);
    var row = holder.firstElementChild;
    body.appendChild(row);
    window.kControls(row);
    return row;
  }
  function empty(row) { return !field(row, 'product').value && !field(row, 'name').value && !field(row, 'price').value; }
  function fill(row, values) {
    Object.keys(values).forEach(function (name) { var el = field(row, name); if (el && values[name] != null) el.value = values[name]; });
  }
  function put(product, more) { /* a chosen product into the first empty line, else into a new one */
    var row = all('[data-k-line]', body).filter(empty)[0] || fresh(), box = field(row, 'product').tomselect;
    box.addOption(product); box.setValue(String(product.id), true);
    fill(row, product.fill); fill(row, more || {});
    return row;
  }
  function changed() { add(); form.dispatchEvent(new Event('input', { bubbles: true })); }
  box.addEventListener('click', function (e) {
    var cut = e.target.closest('[data-k-cut]');
    if (e.target.closest('[data-k-more]')) field(fresh(), 'name').focus();
    if (e.target.closest('[data-k-pick]')) picker();
    if (e.target.closest('[data-k-paste]')) paster();
    if (cut) {
      var row = cut.closest('tr');
      while (row.nextElementSibling && row.nextElementSibling.matches('[data-k-fault]')) row.nextElementSibling.remove();
      row.remove(); changed();
    }
  });
  box.addEventListener('k-chosen', function (e) {
    var row = e.target.closest('[data-k-line]'), values = e.detail && e.detail.fill;
    if (row && values) { fill(row, values); changed(); }
  });
  box.addEventListener('input', function (e) {
    var row = e.target.closest('[data-k-line]');
    typing = e.target;
    if (e.target.matches('[data-k-discount]')) {
      var list = parts(field(row, 'list_price').value, 2);
      if (list && e.target.value !== '') field(row, 'price').value = plain(half(list * parts(e.target.value, 2), 10000n), 2);
    }
    if (e.target.matches('[data-k-total]')) {
      var left = add() + parts(doc('fees'), 2) - parts(e.target.value, 2);
      if (form.elements.reduction) form.elements.reduction.value = plain(left < 0n ? 0n : left, 2);
    }
    add();
  });
  box.addEventListener('change', function () { typing = null; add(); });
  box.addEventListener('keydown', function (e) {
    if (e.key !== 'Enter' || e.target.tagName !== 'INPUT') return;
    e.preventDefault();
    var row = e.target.closest('[data-k-line]');
    if (row && !row.nextElementSibling && !empty(row)) field(fresh(), 'name').focus();
  });
  if (window.Sortable) Sortable.create(body, {
    handle: '[data-k-grip]', draggable: '[data-k-line]', animation: 120, onEnd: function () {
      all('[data-k-line]', body).forEach(function (row, n) { all('[name^="lines-"]', row).forEach(function (el) { el.name = el.name.replace(/^lines-\d+/, 'lines-' + (next + n)); }); });
      next += 1000; changed();
    }
  });

  /* ---- several at once ---- */
  function dialog(name) {
    var modal = D.getElementById('k-dialog'), inside = modal.querySelector('[data-k-body]');
    inside.innerHTML = D.querySelector('template[' + name + ']').innerHTML;
    modal.querySelector('.modal-dialog').classList.toggle('modal-lg', name === 'data-k-picker');
    modal.addEventListener('hidden.bs.modal', function () { modal.querySelector('.modal-dialog').classList.remove('modal-lg'); }, { once: true });
    bootstrap.Modal.getOrCreateInstance(modal).show();
    return inside;
  }
  function close() { bootstrap.Modal.getOrCreateInstance(D.getElementById('k-dialog')).hide(); }
  function ask(q, category) {
    var args = new URLSearchParams({ q: q, limit: 50, customer: doc('customer') });
    if (category) args.set('category', category);
    return fetch('/product/choose?' + args, { headers: { Accept: 'application/json' } }).then(function (r) {
      if (!r.ok) throw new Error(r.status);
      return r.json();
    }).then(function (d) { return d.results; });
  }
  function picker() {
    var inside = dialog('data-k-picker'), list = inside.querySelector('tbody'), seek = inside.querySelector('[data-k-seek]'), sort = inside.querySelector('[data-k-category]'), chosen = new Map(), asked = 0, timer;
    function td(text, cls) { var cell = D.createElement('td'); cell.className = cls || ''; cell.textContent = text; return cell; }
    function input(type, label) { var el = D.createElement('input'); el.type = type; el.className = type === 'checkbox' ? 'form-check-input' : 'form-control num'; el.setAttribute('aria-label', label); return el; }
    function drawn(p) {
      var tr = D.createElement('tr'), tick = input('checkbox', p.text), many = input('text', p.text + ' ×'), first = td('', 'ck'), last = td('', 'r');
      tick.checked = chosen.has(p.id); many.value = chosen.has(p.id) ? chosen.get(p.id).quantity : '1';
      function keep() {
        if (tick.checked) chosen.set(p.id, { product: p, quantity: many.value || '1' }); else chosen.delete(p.id);
        inside.querySelector('[data-k-n]').textContent = chosen.size;
      }
      tick.addEventListener('change', keep);
      many.addEventListener('input', function () { tick.checked = true; keep(); });
      tr.addEventListener('click', function (e) { if (e.target.tagName !== 'INPUT') { tick.checked = !tick.checked; keep(); } });
      first.appendChild(tick); last.appendChild(many); tr.dataset.id = p.id;
      tr.append(first, td(p.code, 't2 num'), td(p.text, 'fw6'), td(yuan(parts(p.fill.list_price, 2)), 'r'), last);
      return tr;
    }
    function draw(rows) {  /* a row that stays is not touched: somebody may be typing in it */
      var there = new Map(all('tr', list).map(function (tr) { return [tr.dataset.id, tr]; })), wanted = new Set(rows.map(function (p) { return String(p.id); }));
      there.forEach(function (tr, id) { if (!wanted.has(id)) tr.remove(); });
      rows.forEach(function (p, n) {
        var tr = there.get(String(p.id)) || drawn(p);
        if (list.children[n] !== tr) list.insertBefore(tr, list.children[n] || null);
      });
    }
    function show(left) {  /* no answer: asked again, a few times, while the dialog is open */
      var mine = asked += 1;
      ask(seek.value, sort.value).then(function (rows) { if (mine === asked) draw(rows); }, function () {
        if (mine === asked && left && list.closest('.modal.show')) setTimeout(show, 1000, left - 1);
      });
    }
    function search() { clearTimeout(timer); timer = setTimeout(show, 150, 5); }
    seek.addEventListener('input', search); sort.addEventListener('change', search);
    show(5);
    setTimeout(function () { seek.focus(); }, 300);
    inside.querySelector('[data-k-take-all]').onclick = function () {
      chosen.forEach(function (c) { put(c.product, { quantity: c.quantity }); });
      close(); changed();
    };
    var maker = inside.querySelector('[data-k-newproduct]'), select = field(all('[data-k-line]', body)[0] || fresh(), 'product');
    maker.hidden = !select.dataset.kNew;
    maker.onclick = function () { window.kQuick(select.dataset.kNew, seek.value, form, function (made) { if (made) { put(made); changed(); } }); };
  }
  function paster() { /* rows of cells out of a spreadsheet: code or name, quantity, price */
    var inside = dialog('data-k-paster'), area = inside.querySelector('[data-k-cells]');
    setTimeout(function () { area.focus(); }, 300);
    inside.querySelector('[data-k-take-cells]').onclick = function () {
      var rows = area.value.split(/\r?\n/).map(function (l) { return l.split('\t').map(function (c) { return c.trim(); }); }).filter(function (c) { return c[0]; });
      rows.reduce(function (before, cells) {
        return before.then(function () { return ask(cells[0], ''); }).then(function (found) {
          var same = found.filter(function (p) { return p.code === cells[0] || p.text === cells[0] || p.fill.name === cells[0]; }), values = {};
          if (cells[1]) values.quantity = cells[1].replace(/,/g, '');
          if (cells[2]) values.price = cells[2].replace(/,/g, '');
          if (same.length === 1) put(same[0], values); else { var row = all('[data-k-line]', body).filter(empty)[0] || fresh(); values.name = cells[0]; fill(row, values); }
        });
      }, Promise.resolve()).then(function () { close(); changed(); });
    };
  }
  add();
})();
