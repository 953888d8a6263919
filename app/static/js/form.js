/* Forms: a warning before typing is lost, Ctrl+S, duplicate check while typing, phrases, pasted pictures, conflict choice. */
(function () {
  'use strict';
  var D = document, dirty = false;
  function all(selector, root) { return [].slice.call((root || D).querySelectorAll(selector)); }
  all('[data-k-dirty]').forEach(function (form) {
    form.addEventListener('input', function () { dirty = true; });
    form.addEventListener('submit', function () { dirty = false; });
  });
  window.addEventListener('beforeunload', function (e) { if (dirty) { e.preventDefault(); e.returnValue = ''; } });
  D.addEventListener('keydown', function (e) {
    var form = D.getElementById('model_form');
    if (form && (e.ctrlKey || e.metaKey) && e.key === 's') { e.preventDefault(); form.requestSubmit(); }
  });
  all('[data-k-similar]').forEach(function (box) {
    var form = D.getElementById('model_form'), out = box.querySelector('[data-k-out]'), timer;
    var asked = box.dataset.kAsks.split(' ');
    asked.forEach(function (name) {
      var el = form && form.elements[name];
      if (!el) return;
      el.addEventListener('input', function () {
        clearTimeout(timer);
        timer = setTimeout(function () {
          var q = new URLSearchParams({ but: box.dataset.kBut });
          asked.forEach(function (n) { if (form.elements[n]) q.set(n, form.elements[n].value); });
          fetch(box.dataset.kSimilar + '?' + q).then(function (r) { return r.ok ? r.text() : ''; }).then(function (html) { out.innerHTML = html; });
        }, 250);
      });
    });
  });
  D.addEventListener('click', function (e) {
    var phrase = e.target.closest('[data-k-phrase]'), take = e.target.closest('[data-k-take]');
    if (phrase) { var area = phrase.closest('form').elements[phrase.dataset.kPhrase]; area.value += (area.value ? '\n' : '') + phrase.textContent; area.focus(); dirty = true; }
    if (take) {
      var el = D.getElementById('model_form').elements[take.dataset.kTake], value = take.dataset.kValue;
      if (el.options) all('option', el).forEach(function (o) { if (o.textContent === value) el.value = o.value; }); else el.value = value;
    }
  });
  var report = D.querySelector('form[data-k-entity=journal]');
  if (report && /\/add$/.test(location.pathname)) (function (el) { // another kind or day: what is proposed for it, unless it was edited
    var texts = ['done', 'plan'], kept = {};
    texts.forEach(function (n) { kept[n] = el[n].value; });
    [el.kind, el.day].forEach(function (control) {
      control.addEventListener('change', function () {
        if (texts.some(function (n) { return el[n].value !== kept[n]; })) return;
        var asked = '?' + new URLSearchParams({ kind: el.kind.value, day: el.day.value });
        fetch('/journal/propose' + asked).then(function (r) { return r.ok ? r.json() : {}; }).then(function (d) {
          if (d.there) { dirty = false; location.replace('/journal/add' + asked); return; }
          texts.forEach(function (n) { if (n in d) kept[n] = el[n].value = d[n]; });
        });
      });
    });
  })(report.elements);
  function told(input) { // the names of the chosen files, in place of the browser's own words
    var out = input.parentNode.querySelector('[data-k-chosen]');
    if (out) out.textContent = [].map.call(input.files, function (file) { return file.name; }).join('、') || out.dataset.none;
  }
  D.addEventListener('change', function (e) { if (e.target.type === 'file') told(e.target); });
  all('[data-k-drop]').forEach(function (form) {
    var input = form.querySelector('input[type=file]');
    if (!input) return;
    form.addEventListener('dragover', function (e) { e.preventDefault(); form.classList.add('over'); });
    form.addEventListener('dragleave', function () { form.classList.remove('over'); });
    form.addEventListener('drop', function (e) { e.preventDefault(); form.classList.remove('over'); if (e.dataTransfer.files.length) { input.files = e.dataTransfer.files; told(input); } });
    D.addEventListener('paste', function (e) { if (e.clipboardData && e.clipboardData.files.length) { input.files = e.clipboardData.files; told(input); } });
  });
  D.addEventListener('click', function (e) {
    var picture = e.target.closest('[data-k-picture]');
    if (!picture) return;
    e.preventDefault();
    var modal = D.getElementById('k-dialog'), body = modal.querySelector('[data-k-body]'), img = D.createElement('img');
    img.src = picture.href; img.alt = picture.textContent; img.className = 'img-fluid';
    body.replaceChildren(img);
    bootstrap.Modal.getOrCreateInstance(modal).show();
  });
})();
