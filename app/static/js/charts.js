/* Charts: [data-k-chart] holds its rows as JSON in data-chart; a click opens exactly these rows.
   bar, line: [{label, value, url}]; funnel: [{label, n, amount (fen), url}], switched by [data-k-by]; stack: {labels, series: [{name, data: [{value (fen), url}]}]}; set:
   {labels, series: [{name, type, data: [{value, url, done}], soft (light, behind), over (narrow, before it), step (dashed steps), labelled}]}, as columns or
   by "line", or one such set for each [data-k-by]. */
(function () {
  'use strict';
  var root = document.documentElement, drawn = [], esc = window.echarts && echarts.format.encodeHTML; // what a tooltip's function gives is markup: names go through esc
  function v(name) { return getComputedStyle(root).getPropertyValue(name).trim(); }
  function stages() { return ['--k-s1', '--k-s2', '--k-s3', '--k-s4', '--k-s5', '--k-c6'].map(v); }
  function wan(fen) { return (fen / 1000000).toLocaleString('zh-CN', { minimumFractionDigits: 1, maximumFractionDigits: 1 }); }
  function base() {
    return { animation: false, color: stages(), textStyle: { fontFamily: v('--k-font'), fontSize: 12, color: v('--k-text-2') },
      tooltip: { backgroundColor: v('--k-surface'), borderColor: v('--k-line'), textStyle: { color: v('--k-text'), fontSize: 12 }, confine: true } };
  }
  var kinds = {
    funnel: function (rows, el) {
      var by = el.dataset.by || 'n', o = base(), unit = el.dataset.unit || '';
      function told(r) { return by === 'n' ? r.n : wan(r.amount) + ' ' + unit; }
      o.tooltip.formatter = function (p) { return esc(p.name + ' ' + told(rows[p.dataIndex])); };
      o.series = [{ type: 'funnel', sort: 'none', left: 8, width: '58%', top: 4, bottom: 4, minSize: '6%', gap: 3, itemStyle: { borderWidth: 0 }, labelLine: { length: 10, lineStyle: { color: v('--k-line-2') } },
        label: { position: 'right', color: v('--k-text-2'), formatter: function (p) { return p.name + '  ' + told(rows[p.dataIndex]); } },
        data: rows.map(function (r) { return { name: r.label, value: r[by], url: r.url }; }) }];
      return o;
    },
    set: function (rows, el) {
      var o = base(), by = el.dataset.by, d = rows[by] || rows, line = by === 'line', n = 0, tones = ['--k-c1', '--k-c2', '--k-c3', '--k-c4'].map(v), soft = d.series.some(function (s) { return s.soft; });
      o.tooltip.trigger = 'axis'; o.tooltip.axisPointer = { type: 'shadow' };
      o.legend = { top: 2, left: 6, itemWidth: 9, itemHeight: 9, textStyle: { color: v('--k-text-2'), fontSize: 12 } };
      o.grid = { left: 8, right: 14, top: 34, bottom: 6, containLabel: true };
      o.xAxis = { type: 'category', data: d.labels, axisTick: { show: false }, axisLine: { lineStyle: { color: v('--k-line-2') } }, axisLabel: { color: v('--k-text-3') } };
      o.yAxis = { type: 'value', splitNumber: 4, splitLine: { lineStyle: { color: v('--k-grid') } }, axisLabel: { color: v('--k-text-3') } };
      o.series = d.series.map(function (s) {
        if (s.step) return { name: s.name, type: 'line', step: 'middle', symbol: 'none', lineStyle: { width: 1.5, type: [4, 3], color: v('--k-text-3') }, itemStyle: { color: v('--k-text-3') }, data: s.data };
        var tone = s.soft ? v(line ? '--k-c6' : '--k-c1-soft') : tones[n++ % 4];
        return { name: s.name, type: line ? 'line' : s.type, barMaxWidth: s.soft ? 30 : s.over ? 16 : 14, barGap: soft ? '-76%' : '20%', z: s.over ? 3 : 2, symbolSize: 5, itemStyle: { color: tone, borderRadius: [3, 3, 0, 0] },
          label: { show: !!s.labelled && !line && d.labels.length < 14, position: 'top', fontSize: 11, color: v('--k-text-2'), formatter: function (p) { return p.value ? String(p.value) : ''; } },
          data: s.data.map(function (one) { return one.done && !line ? { value: one.value, url: one.url, itemStyle: { color: v('--k-c2') } } : one; }) };
      });
      return o;
    },
    stack: function (d) {
      var o = base();
      o.grid = { left: 4, right: 52, top: 4, bottom: 26, containLabel: true };
      o.legend = { bottom: 0, left: 4, itemWidth: 9, itemHeight: 9, itemGap: 10, textStyle: { color: v('--k-text-2'), fontSize: 12 } };
      o.tooltip.formatter = function (p) { return esc(p.name + ' · ' + p.seriesName + ' ' + wan(p.value)); };
      o.xAxis = { type: 'value', show: false };
      o.yAxis = { type: 'category', inverse: true, data: d.labels, axisTick: { show: false }, axisLine: { show: false }, axisLabel: { color: v('--k-text-2') } };
      o.series = d.series.map(function (s, i) {
        return { name: s.name, type: 'bar', stack: 'all', barMaxWidth: 16, data: s.data, label: i !== d.series.length - 1 ? undefined : { show: true, position: 'right', color: v('--k-text-2'),
          formatter: function (p) { return wan(d.series.reduce(function (sum, one) { return sum + one.data[p.dataIndex].value; }, 0)); } } };
      });
      return o;
    }
  };
  ['bar', 'line'].forEach(function (kind) {
    kinds[kind] = function (rows) {
      var o = base();
      o.grid = { left: 8, right: 16, top: 16, bottom: 8, containLabel: true };
      o.xAxis = { type: 'category', data: rows.map(function (r) { return r.label; }), axisTick: { show: false }, axisLine: { lineStyle: { color: v('--k-line-2') } }, axisLabel: { color: v('--k-text-3') } };
      o.yAxis = { type: 'value', splitLine: { lineStyle: { color: v('--k-grid') } }, axisLabel: { color: v('--k-text-3') } };
      o.series = [{ type: kind, barMaxWidth: 28, itemStyle: { color: v('--k-c1'), borderRadius: [3, 3, 0, 0] }, data: rows.map(function (r) { return { value: r.value, url: r.url }; }) }];
      return o;
    };
  });
  function show(d) { d.chart.setOption(kinds[d.el.dataset.kChart](d.rows, d.el), true); }
  if (!window.echarts) return;
  [].forEach.call(document.querySelectorAll('[data-k-chart]'), function (el) {
    var d = { el: el, chart: echarts.init(el), rows: JSON.parse(el.dataset.chart) };
    show(d);
    d.chart.on('click', function (p) { if (p.data && p.data.url) location.href = p.data.url; });
    drawn.push(d);
  });
  document.addEventListener('click', function (e) {
    var button = e.target.closest('[data-k-by]'), card = button && button.closest('.k-card, .k-charted');
    if (!card) return;
    [].forEach.call(card.querySelectorAll('[data-k-by]'), function (b) { b.classList.toggle('active', b === button); b.setAttribute('aria-pressed', b === button); });
    drawn.forEach(function (d) { if (card.contains(d.el)) { d.el.dataset.by = button.dataset.kBy; show(d); } });
  });
  window.addEventListener('resize', function () { drawn.forEach(function (d) { d.chart.resize(); }); });
  new MutationObserver(function () { drawn.forEach(show); }).observe(root, { attributes: true, attributeFilter: ['data-bs-theme'] });
})();
