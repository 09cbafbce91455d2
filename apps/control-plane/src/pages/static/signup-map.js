/** A click on the map chooses a region, and the map shows what the select says: that alone is the form's field. */
const select = document.getElementById('region');
const map = document.getElementById('region-map');

map.hidden = false;
map.addEventListener('click', ({ target }) => {
  const pin = target.closest('.pin');
  if (pin) select.value = pin.dataset.region;
  show();
});
select.addEventListener('change', show);
window.addEventListener('pageshow', show);

function show() {
  for (const pin of map.querySelectorAll('.pin')) {
    pin.classList.toggle('marked', pin.dataset.region === select.value);
  }
}
