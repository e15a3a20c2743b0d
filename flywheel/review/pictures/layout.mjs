// Lays out the graphs on standard input with ELK and writes them, with their coordinates, to
// standard output. Both are JSON arrays of ELK graphs.
import { readFileSync, writeSync } from "node:fs";
import ELK from "elkjs/lib/elk.bundled.js";

const engine = new ELK();
const placed = [];
for (const graph of JSON.parse(readFileSync(0, "utf8"))) {
  placed.push(await engine.layout(graph));
}
const bytes = Buffer.from(JSON.stringify(placed));
for (let sent = 0; sent < bytes.length; ) {
  sent += writeSync(1, bytes, sent);
}
