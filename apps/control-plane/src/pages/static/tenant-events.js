/** The control plane's stream about this person's tenant. It wakes nothing, and nothing here asks the tenant for anything. */

const STATUS_TEXTS = { waiting: 'waiting', running: 'under way', done: 'done', failed: 'failed' };

/**
 * Calls `onTenant` with the tenant's JSON at once and at each change, and `onChanged` when something was written to it.
 * Only while somebody looks: a browser has six connections to a host, and six tabs in the background would take them all.
 * Whoever comes back to a machine that runs may have missed a change, which counts as one.
 */
export function listen({ onTenant, onChanged = () => {} }) {
  let source = null;
  let hasEnded = false;
  let wasAway = false;

  const take = ({ data }) => {
    const tenant = JSON.parse(data);
    const mayHaveMissed = wasAway && tenant.regions[0]?.machineState === 'started';
    wasAway = false;
    onTenant(tenant);
    if (mayHaveMissed) onChanged();
  };
  const follow = () => {
    if (hasEnded) return;
    if (document.visibilityState === 'hidden') {
      source?.close();
      source = null;
      wasAway = true;
      return;
    }
    if (source) return;
    source = new EventSource('/api/v1/tenant/events');
    source.addEventListener('step', take);
    source.addEventListener('state', take);
    source.addEventListener('changed', onChanged);
  };

  document.addEventListener('visibilitychange', follow);
  follow();
  return {
    end() {
      hasEnded = true;
      source?.close();
    },
  };
}

/** Brings the list of steps to what the tenant says. */
export function showSteps(tenant, since) {
  for (const step of tenant.progress?.steps ?? []) {
    const item = document.querySelector(`#steps [data-step="${step.name}"]`);
    if (!item || item.dataset.status === step.status) continue;
    item.dataset.status = step.status;
    item.querySelector('.step-status').textContent = STATUS_TEXTS[step.status];
    item.querySelector('.step-time').textContent = step.status === 'done' ? elapsed(since, step.at) : '';
  }
}

function elapsed(since, at) {
  const seconds = (Date.parse(at) - Date.parse(since)) / 1000;
  return seconds >= 0 ? `${seconds.toFixed(seconds < 10 ? 2 : 0)} s` : '';
}

/** What a machine's state means to a person; the place is named beside it. */
export function machineText(state, place) {
  switch (state) {
    case 'started':
      return { text: `Running in ${place}`, tone: 'good' };
    case 'starting':
      return { text: `Waking in ${place}`, tone: 'warn' };
    case 'stopping':
    case 'stopped':
      return { text: `Asleep in ${place}`, tone: 'plain' };
    default:
      return { text: place, tone: 'plain' };
  }
}
