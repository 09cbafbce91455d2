import { listen, machineText } from './tenant-events.js';

const MAX_PICTURE_BYTES = 5 * 1024 * 1024;

const machine = document.querySelector('[data-live="dashboard"]');

if (machine) followList(machine);
checkPictures();

/** Whether the machine runs or sleeps, and that the list was changed in another tab. */
function followList(line) {
  const label = line.querySelector('[data-bind="machine"]');
  const { place } = line.dataset;
  listen({
    onTenant(tenant) {
      if (tenant.status !== 'active') return location.replace('/dashboard');
      const { text, tone } = machineText(tenant.regions[0]?.machineState, place);
      if (label.textContent === text) return;
      label.textContent = text;
      line.dataset.tone = tone;
    },
    onChanged: refreshSoon(),
  });
}

/** After a burst of changes the list is asked for once. */
function refreshSoon() {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(refreshList, 300);
  };
}

/** Puts the list as it is now in the place of the old one; where somebody is in the middle of editing it, says so instead. */
async function refreshList() {
  const list = document.getElementById('list');
  if (!list) return;
  if (list.querySelector('.editing')) {
    document.getElementById('stale').hidden = false;
    return;
  }
  // Not the page's own address: after a form that was refused that is the form's.
  const { href } = document.querySelector('#stale a');
  const response = await fetch(href, { headers: { accept: 'text/html' } }).catch(() => null);
  if (!response?.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const fresh = page.getElementById('list');
  if (!fresh) return;
  const focused = addressOf(document.activeElement, list);
  list.replaceWith(fresh);
  for (const count of page.querySelectorAll('[id^="count-"]')) {
    document.getElementById(count.id)?.replaceWith(count);
  }
  if (focused)
    [...fresh.querySelectorAll('a, button')].find((element) => addressOf(element, fresh) === focused)?.focus();
}

/** What a link or button of the list leads to: by that it is found again once the list was replaced. */
function addressOf(element, list) {
  if (!element || !list.contains(element)) return null;
  return element.getAttribute('href') ?? element.form?.getAttribute('action') ?? null;
}

/** Says that a picture is too large before it is sent; the tenant checks in any case. */
function checkPictures() {
  document.addEventListener('change', ({ target }) => {
    if (target.type !== 'file') return;
    const [file] = target.files;
    const isTooLarge = file !== undefined && file.size > MAX_PICTURE_BYTES;
    target.setCustomValidity(isTooLarge ? 'A picture may have at most 5 MB. Choose a smaller one.' : '');
    if (isTooLarge) target.reportValidity();
  });
}
