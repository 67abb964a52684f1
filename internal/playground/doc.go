// Package playground is Hearth on one machine, with nothing to sign up for:
// the real core, runner, Discord adapter and agent, between a pretend Discord
// and a pretend cloud, with SQLite where the cloud has queue, table and lease.
//
//	browser ── page ──► simdiscord ── signed HTTP ──► host ──► interactions ─┐
//	   ▲                   ▲                                                  ▼
//	   │                   └── REST ── discord.Client ◄── reactions ◄── events queue ◄── agent
//	   └── panel ◄── row, queues, lease, machines              │                          ▲ │
//	                                                           └──► orders queue ─────────┘ ▼
//	                                       simcloud ── boots ──► agent in process ──► hearth game
//
// What it keeps stands in one folder:
//
//	hearth.db      queues, rows and leases
//	cloud.json     the pretend cloud's machines and operations under way
//	discord.json   the pretend Discord's channel
//	time           the clock's, which may have run ahead of the wall's
//	secrets.json   keys and tokens, made at the first start
//	worlds/<id>/   the game's saves, which outlive every machine
//	hearth.log     the log
//
// One run holds all of it while it lives. Its end is orderly: the machines
// are told to end, the agents save and prove it, the worker tells the channel,
// then the channel and the database are closed. A folder that was left in the
// middle of anything is continued by the next run: machines boot again, the
// cloud's operations go on, and the core picks up its row.
package playground
