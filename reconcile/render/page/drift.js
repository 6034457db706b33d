(function () {
  'use strict';
  var sorted = document.getElementById('sorted');
  var folds = document.querySelectorAll('.fold');
  window.addEventListener('beforeprint', function () {
    folds.forEach(function (fold) { fold.open = true; });
  });
  document.querySelectorAll('table.sortable').forEach(function (table) {
    var body = table.tBodies[0];
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (head, column) {
      var button = document.createElement('button');
      button.type = 'button';
      button.textContent = head.textContent;
      head.textContent = '';
      head.appendChild(button);
      button.addEventListener('click', function () {
        var down = head.getAttribute('aria-sort') === 'ascending';
        Array.prototype.forEach.call(table.tHead.rows[0].cells, function (other) { other.removeAttribute('aria-sort'); });
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        var compare = new Intl.Collator('en', {numeric: true}).compare;
        var rows = Array.prototype.map.call(body.rows, function (row) { var cell = row.cells[column]; return {row: row, key: cell.dataset.rank || cell.textContent}; });
        rows.sort(function (a, b) { return down ? compare(b.key, a.key) : compare(a.key, b.key); });
        rows.forEach(function (r) { body.appendChild(r.row); });
        sorted.textContent = 'Sorted by ' + button.textContent + ', ' + head.getAttribute('aria-sort');
      });
    });
  });
  var find = document.getElementById('find');
  var found = document.getElementById('found');
  var parts = Array.prototype.map.call(document.querySelectorAll('.sortable tbody tr, article.object, .grave li'), function (part) {
    return {part: part, text: part.textContent.toLowerCase()};
  });
  find.parentNode.hidden = false;
  find.addEventListener('input', function () {
    var words = find.value.toLowerCase().split(' ').filter(Boolean);
    var n = 0;
    parts.forEach(function (p) {
      var hit = words.every(function (w) { return p.text.indexOf(w) >= 0; });
      p.part.hidden = !hit;
      n += hit && p.part.nodeName === 'TR' ? 1 : 0;
    });
    document.querySelectorAll('.grave').forEach(function (list) {
      list.parentNode.hidden = !list.querySelector('li:not([hidden])');
    });
    folds.forEach(function (fold) {
      var hits = words.length && fold.querySelector('article:not([hidden])');
      fold.open = !!hits;
      fold.hidden = !!words.length && !hits;
    });
    found.textContent = words.length ? n + (n === 1 ? ' row matches' : ' rows match') : '';
  });
})();
