// Never gets round to reading a pipe or a signal handler.
process.on('SIGTERM', () => {});
for (;;);
