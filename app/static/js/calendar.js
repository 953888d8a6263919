/* The calendar: everything in the office's time whatever the browser's zone; dragging asks the server and can be taken back. */
(function () {
  'use strict';
  var D = document, el = D.getElementById('k-cal');
  if (!el || !window.FullCalendar) return;
  var said = el.dataset, whose = said.whose, sheet = {}, chosen = said.date, chinese = said.locale !== 'en', began = Date.now();
  var KEY = 'k-cal-layers', hidden = JSON.parse(localStorage.getItem(KEY) || '[]'), only = said.only ? said.only.split(' ') : null, phone = window.matchMedia('(max-width: 767.98px)').matches;
  var weekday = new Intl.DateTimeFormat(chinese ? 'zh-CN' : 'en', { weekday: 'short', timeZone: 'UTC' });
  function all(selector, root) { return [].slice.call((root || D).querySelectorAll(selector)); }
  function two(n) { return (n < 10 ? '0' : '') + n; }
  function day(d) { return d.getUTCFullYear() + '-' + two(d.getUTCMonth() + 1) + '-' + two(d.getUTCDate()); }  /* FullCalendar keeps the office's time in the UTC fields */
  function clock(d) { return two(d.getUTCHours()) + ':' + two(d.getUTCMinutes()); }
  function now() { return new Date(Date.parse(said.now + 'Z') + Date.now() - began); }
  function make(tag, cls, text) { var n = D.createElement(tag); n.className = cls; if (text !== undefined) n.textContent = text; return n; }

  function decorate(cell) {
    all('.k-lunar', cell).forEach(function (n) { n.remove(); });
    var date = cell.dataset.date, told = sheet[date], off = hidden.indexOf('days') >= 0;
    cell.classList.toggle('k-rest', !off && !!told && told.works === false);
    cell.classList.toggle('k-work', !off && !!told && told.works === true);
    cell.classList.toggle('k-chosen', date === chosen && cal.view.type === 'dayGridMonth');
    var top = cell.querySelector(cell.closest('.fc-dayGridMonth-view') ? '.fc-daygrid-day-top' : '.fc-col-header-cell-cushion');
    if (!top || !told || off) return;
    if (told.works !== undefined) top.appendChild(make('span', 'k-lunar ' + (told.works ? 'wk' : 'rs'), told.works ? said.work : said.rest));
    if (told.lunar || told.name) top.appendChild(make('span', 'k-lunar', told.name && told.works === false ? told.name : told.lunar || told.name));
  }
  function cells() { all('[data-date].fc-daygrid-day, [data-date].fc-col-header-cell', el).forEach(decorate); }

  function agenda() {
    var list = D.querySelector('[data-k-cal-agenda]'), rows = cal.getEvents().filter(function (e) {
      return e.display !== 'none' && day(e.start) <= chosen && (e.allDay ? day(e.end) > chosen : day(new Date(e.end - 1)) >= chosen);
    }).sort(function (a, b) { return b.allDay - a.allDay || a.start - b.start; });
    var at = new Date(chosen + 'T00:00:00Z'), names = new Intl.DateTimeFormat(chinese ? 'zh-CN' : 'en', { weekday: 'long', timeZone: 'UTC' });
    D.querySelector('[data-k-cal-day]').textContent = chosen.slice(5) + ' ' + names.format(at);
    D.querySelector('[data-k-cal-n]').textContent = (chosen === day(now()) ? said.todayWord + ' · ' : '') + rows.length + ' ' + said.items;
    list.replaceChildren.apply(list, rows.map(function (e) {
      var li = make('li', e.classNames.join(' ')), a = make('a', 'n', e.title), more = [e.extendedProps.customer, e.extendedProps.owner].filter(Boolean);
      a.href = e.extendedProps.page;
      li.appendChild(make('i', '')); li.appendChild(make('div', 'num t3 fs12', e.allDay ? said.allDay : clock(e.start) + '–' + clock(e.end))); li.appendChild(a);
      if (more.length) li.appendChild(make('div', 't3 fs12 ell', more.join(' · ')));
      return li;
    }));
    if (!rows.length) list.appendChild(make('li', 't3 none', said.none));
  }
  function count() {  /* what the view shows, not all that was read */
    var counts = {}, v = cal.view;
    cal.getEvents().forEach(function (e) {
      if (e.start < v.activeEnd && e.end > v.activeStart) counts[e.extendedProps.layer] = (counts[e.extendedProps.layer] || 0) + 1;
    });
    all('[data-k-layer-n]').forEach(function (n) { n.textContent = counts[n.dataset.kLayerN] || ''; });
  }
  function layers() {
    cal.batchRendering(function () {  /* one drawing, and only what changes: a whole company's month has thousands */
      cal.getEvents().forEach(function (e) {
        var how = hidden.indexOf(e.extendedProps.layer) < 0 ? 'auto' : 'none';
        if (e.display !== how) e.setProp('display', how);
      });
    });
    count(); cells(); agenda();
  }
  function place() {
    var args = new URLSearchParams({ view: cal.view.type, date: day(cal.getDate()) });
    if (whose !== 'mine') args.set('whose', whose);
    if (only) args.set('only', only[0]);
    history.replaceState(null, '', '?' + args);
    var title = D.querySelector('[data-k-cal-title]'), a = cal.view.currentStart, b = new Date(cal.view.currentEnd - 1);
    title.textContent = cal.view.type === 'timeGridDay' ? day(a) : cal.view.type === 'timeGridWeek' ? day(a) + ' – ' + day(b).slice(5) : chinese ? a.getUTCFullYear() + ' 年 ' + (a.getUTCMonth() + 1) + ' 月' : day(a).slice(0, 7);
    all('[data-k-cal-view]').forEach(function (n) { var on = n.dataset.kCalView === cal.view.type; n.classList.toggle('active', on); n.setAttribute('aria-pressed', on); });
  }
  function choose(date) { chosen = date; cells(); agenda(); }
  function move(info) {
    var e = info.event, full = function (d) { return e.allDay ? day(d) : day(d) + 'T' + clock(d); };
    window.kPost('/calendar/move', Object.assign({ key: e.id, start: full(e.start), end: full(e.end) }, info.endDelta ? { longer: 1 } : {})).then(function (r) {
      return r.json().catch(function () { return { error: said.failed }; });
    }, function () { return { error: said.failed }; }).then(function (d) {
      if (d.error) { info.revert(); window.kToast({ text: d.error, bad: true }); return; }
      window.kToast({ text: d.said, batch: d.batch, word: said.undo, done: function () { cal.refetchEvents(); } });
      cal.refetchEvents();
    });
  }
  function create(start, end, allDay) {
    var last = allDay ? new Date(end - 864e5) : end, form = { starts_at: day(start) + ' ' + (allDay ? '00:00' : clock(start)), ends_at: day(last) + ' ' + (allDay ? '23:59' : clock(end)) };
    if (allDay) form.is_all_day = 'y';
    window.kQuick('/task/quick?' + new URLSearchParams(form), '', null, function (made) { cal.unselect(); if (made) cal.refetchEvents(); });
  }

  var cal = new FullCalendar.Calendar(el, {
    locale: said.locale, timeZone: said.zone, initialDate: said.date, initialView: phone && !/[?&]view=/.test(location.search) ? 'listMonth' : said.view, now: function () { return now().toISOString().slice(0, 19); },
    headerToolbar: false, height: phone ? Math.round(innerHeight * 0.7) : '100%', expandRows: true, firstDay: 1, fixedWeekCount: true, dayMaxEvents: true, nowIndicator: true, slotEventOverlap: false, scrollTime: '08:00:00', slotDuration: '00:30:00',
    editable: true, forceEventDuration: true, defaultTimedEventDuration: '01:00', snapDuration: '00:15:00', selectable: said.may === '1', selectMirror: true, selectMinDistance: 5, longPressDelay: 400, displayEventEnd: false,
    eventTimeFormat: { hour: '2-digit', minute: '2-digit', hour12: false }, slotLabelFormat: { hour: '2-digit', minute: '2-digit', hour12: false }, allDayText: said.allDay, noEventsText: said.none,
    moreLinkText: function (n) { return '+' + n + ' ' + said.more; },
    views: { timeGrid: { dayHeaderContent: function (a) { return day(a.date).slice(5) + ' ' + weekday.format(a.date); } } },
    dayCellContent: function (a) { return a.view.type !== 'dayGridMonth' ? undefined : a.date.getUTCDate() === 1 ? (chinese ? (a.date.getUTCMonth() + 1) + '月1日' : day(a.date).slice(5)) : String(a.date.getUTCDate()); },
    dayCellDidMount: function (a) { if (a.el.dataset.date) decorate(a.el); }, dayHeaderDidMount: function (a) { if (a.el.dataset.date) decorate(a.el); },
    events: function (info, good, bad) {
      var args = new URLSearchParams({ start: info.startStr.slice(0, 10), end: info.endStr.slice(0, 10), whose: whose });
      fetch('/calendar/events?' + args, { headers: { Accept: 'application/json' } }).then(function (r) { if (!r.ok) throw new Error(r.status); return r.json(); }).then(function (d) {
        sheet = d.days;
        if (d.more) window.kToast({ text: d.more });
        good(d.events);
        layers();
        el.dataset.drawn = args.get('start');
      }).catch(function (e) { window.kToast({ text: said.failed, bad: true }); bad(e); });
    },
    eventDidMount: function (a) {
      var p = a.event.extendedProps;
      a.el.title = [a.event.title, p.customer, p.owner].filter(Boolean).join(' · ');
      a.el.dataset.key = a.event.id;
    },
    eventContent: function (a) {
      var p = a.event.extendedProps, box = [], name = p.owner ? p.owner + ' ' : '', plan = p.layer === 'plan' && p.customer ? p.customer + ' ' : '';
      if (a.view.type === 'dayGridMonth' && !a.event.allDay && a.isStart) { box.push(make('div', 'fc-daygrid-event-dot')); }
      if (a.timeText && a.view.type !== 'listMonth') box.push(make('div', 'fc-event-time', a.timeText));
      var title = make('div', 'fc-event-title', plan + a.event.title);
      if (name) title.insertBefore(make('span', 't3', name), title.firstChild);
      box.push(title);
      return { domNodes: box };
    },
    eventClick: function (a) { a.jsEvent.preventDefault(); location.href = a.event.extendedProps.page; },
    dateClick: function (a) { choose(a.dateStr.slice(0, 10)); },
    select: function (a) { create(a.start, a.end, a.allDay); },
    eventDrop: move, eventResize: move, datesSet: function () { place(); count(); }
  });
  if (only) hidden = all('[data-k-layer]').map(function (b) { return b.value; }).filter(function (v) { return v !== 'days' && only.indexOf(v) < 0; });
  all('[data-k-layer]').forEach(function (box) { box.checked = hidden.indexOf(box.value) < 0; });
  D.addEventListener('change', function (e) {
    if (e.target.matches('[data-k-layer]')) {
      hidden = all('[data-k-layer]').filter(function (b) { return !b.checked; }).map(function (b) { return b.value; });
      var kept = only ? JSON.parse(localStorage.getItem(KEY) || '[]') : hidden;  /* a link showed some layers alone: one box changes that layer alone */
      if (only) kept = kept.filter(function (v) { return v !== e.target.value; }).concat(e.target.checked ? [] : e.target.value);
      localStorage.setItem(KEY, JSON.stringify(kept));
      only = null; place();
      layers();
    }
    if (e.target.matches('[data-k-cal-whose]')) { whose = e.target.value; cal.refetchEvents(); place(); }
  });
  D.addEventListener('click', function (e) {
    var go = e.target.closest('[data-k-cal-go]'), view = e.target.closest('[data-k-cal-view]');
    if (go) { cal[go.dataset.kCalGo](); if (go.dataset.kCalGo === 'today') choose(day(now())); }
    if (view) cal.changeView(view.dataset.kCalView);
    if (e.target.closest('[data-k-cal-new]')) { var at = new Date(chosen + 'T' + two(Math.min(now().getUTCHours() + 1, 22)) + ':00:00Z'); create(at, new Date(+at + 36e5), false); }
  });
  cal.render();
  place();
})();
