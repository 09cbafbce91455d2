import { listen, showSteps } from './tenant-events.js';

const facts = document.querySelector('[data-live="region"]');
if (facts) follow(facts);

/** Keeps the state of the machine and the steps current; another status is another page. */
function follow(section) {
  const { region, status } = section.dataset;
  const since = document.getElementById('steps')?.closest('[data-since]')?.dataset.since;
  const events = listen({
    onTenant(tenant) {
      const app = tenant.regions.find((candidate) => candidate.region === region);
      if (!app || app.status !== status) {
        events.end();
        location.reload();
        return;
      }
      showSteps(tenant, since);
      section.querySelector('[data-bind="machineState"]').textContent = app.machineState;
      if (app.seenAt) {
        const seen = `seen ${app.seenAt.slice(0, 19).replace('T', ' ')} UTC`;
        section.querySelector('[data-bind="seen"]').textContent = seen;
      }
    },
  });
}
