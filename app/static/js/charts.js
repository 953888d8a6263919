/* Charts: [data-k-chart] holds its rows {label, value, url} as JSON in data-chart; a click opens exactly these rows. */
(function () {
  'use strict';
  var root = document.documentElement, drawn = [];
  function v(name) { return getComputedStyle(root).getPropertyValue(name).trim(); }
  function colours() { return ['--k-s1', '--k-s2', '--k-s3', '--k-s4', '--k-s5', '--k-c6'].map(v); }
  function options(kind, rows) {
    var base = { animation: false, color: colours(), textStyle: { fontFamily: v('--k-font'), fontSize: 12, color: v('--k-text-2') }, tooltip: { backgroundColor: v('--k-surface'), borderColor: v('--k-line'), textStyle: { color: v('--k-text'), fontSize: 12 } } };
    if (kind === 'funnel') {
      base.series = [{ type: 'funnel', sort: 'none', left: 10, right: 10, top: 8, bottom: 8, minSize: '8%', gap: 2, label: { position: 'inside', formatter: function (p) { return p.name + ' ' + p.data.text; }, color: v('--k-text') },
        itemStyle: { borderWidth: 0 }, data: rows.map(function (r) { return { name: r.label, value: r.value, text: r.text, url: r.url }; }) }];
    } else {
      base.grid = { left: 8, right: 16, top: 16, bottom: 8, containLabel: true };
      base.xAxis = { type: 'category', data: rows.map(function (r) { return r.label; }), axisTick: { show: false }, axisLine: { lineStyle: { color: v('--k-line-2') } }, axisLabel: { color: v('--k-text-3') } };
      base.yAxis = { type: 'value', splitLine: { lineStyle: { color: v('--k-grid') } }, axisLabel: { color: v('--k-text-3') } };
      base.series = [{ type: kind, barMaxWidth: 28, itemStyle: { color: v('--k-c1'), borderRadius: [3, 3, 0, 0] }, data: rows.map(function (r) { return { value: r.value, url: r.url }; }) }];
    }
    return base;
  }
  function draw() {
    [].forEach.call(document.querySelectorAll('[data-k-chart]'), function (el) {
      var chart = echarts.init(el), rows = JSON.parse(el.dataset.chart);
      chart.setOption(options(el.dataset.kChart, rows));
      chart.on('click', function (p) { if (p.data && p.data.url) location.href = p.data.url; });
      drawn.push([chart, el, rows]);
    });
  }
  if (!window.echarts) return;
  draw();
  window.addEventListener('resize', function () { drawn.forEach(function (d) { d[0].resize(); }); });
  new MutationObserver(function () { drawn.forEach(function (d) { d[0].setOption(options(d[1].dataset.kChart, d[2]), true); }); }).observe(root, { attributes: true, attributeFilter: ['data-bs-theme'] });
})();
