// A program that starts the platform as the control plane does and holds the pipe on its fd 3. Prints the platform's pid.
const { spawn } = require('node:child_process');

const [, , main, ...args] = process.argv;
const platform = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] });
console.log(JSON.stringify({ pid: platform.pid }));
platform.on('exit', () => process.exit());
