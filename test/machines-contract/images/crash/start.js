console.error('something is wrong with me');
process.exit(3);
