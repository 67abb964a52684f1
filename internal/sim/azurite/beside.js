// Runs Azurite for as long as whoever started it lives: its standard input
// ends with them, however they end.
process.stdin.resume();
process.stdin.on("end", () => process.kill(process.pid, "SIGTERM"));
require("azurite/dist/src/azurite");
