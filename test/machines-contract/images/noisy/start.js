// About 20 MB a second, for as long as it runs.
const line = `${'x'.repeat(1023)}\n`.repeat(200);
let count = 0;
setInterval(() => process.stdout.write(`line ${(count += 1)}\n${line}`), 10);
