// Cards of features: texts become text nodes and nothing else, whatever stands in them.
function cards(layer, headings) {
  function row(table, name, text) {
    var line = table.insertRow();
    var head = document.createElement("th");
    head.textContent = name;
    line.appendChild(head);
    line.insertCell().textContent = text;
  }
  function card(properties) {
    var box = document.createElement("div");
    var title = document.createElement("h3");
    title.textContent = properties.t;
    var kind = document.createElement("p");
    kind.textContent = layer;
    var table = document.createElement("table");
    headings.forEach(function (name, n) { if (properties.p[n] !== "") row(table, name, properties.p[n]); });
    box.append(kind, title, table);
    return box;
  }
  return function (feature, shape) {
    shape.bindPopup(function () { return card(feature.properties); }, { maxWidth: 360, maxHeight: 320, className: "card" });
  };
}
function styles(looks) {
  return function (feature) { return looks[feature.properties.c]; };
}
function points(looks) {
  return function (feature, at) { return L.circleMarker(at, looks[feature.properties.c]); };
}
