import { listen, showSteps } from './tenant-events.js';

const section = document.querySelector('[data-live="provisioning"]');
if (section) follow(section);

/** The steps as they happen; when the app is there, or has failed, the page that says so. */
function follow({ dataset }) {
  const announce = document.getElementById('announce');
  const trouble = document.getElementById('trouble');
  const events = listen({
    onTenant(tenant) {
      if (tenant.status !== dataset.status) {
        events.end();
        location.replace('/dashboard');
        return;
      }
      showSteps(tenant, dataset.since);
      const done = document.querySelectorAll('#steps [data-status="done"]').length;
      document.querySelector('progress').value = done;
      document.querySelector('[data-bind="done"]').textContent = done;
      const error = tenant.progress?.error;
      trouble.textContent =
        error && tenant.status !== 'failed'
          ? `The last try ran into this: ${error.detail} It is being tried again.`
          : '';
      const running = document.querySelector('#steps [data-status="running"] .step-label');
      if (running) announce.textContent = running.textContent;
    },
  });
}
