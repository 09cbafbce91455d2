// Does not end when asked, and has a child of its own.
const { spawn } = require('node:child_process');
process.on('SIGTERM', () => console.log('no'));
const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
console.log(`child ${child.pid}`);
setInterval(() => {}, 1000);
