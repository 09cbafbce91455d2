// Takes 8 MB more, outside V8's heap, every 20 ms.
const held = [];
setInterval(() => held.push(Buffer.alloc(8 * 1024 * 1024, 1)), 20);
