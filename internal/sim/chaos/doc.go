// Package chaos is the simulator: the real core, runner, Discord code and agent
// around a storage account, a cloud, a Discord and games that are pretended and
// misbehave. One seed is one deployment's hours, all of it in one
// testing/synctest bubble, some thousand times as fast as life.
//
// # What is real
//
//	people ─► simdiscord ─► bot.Interactions ─► queue ─► bot.Reactions, bot.Runner,
//	   ▲                                        ▲ │      rules.React ─► discord.Client
//	   │                                        │ ▼                        │
//	   └──────────── messages ◄─────────────────│─────────────────────────┘
//	players ─► simgame ─► agent.Agent ──────────┘    compute ─► simcloud ─► machines
//
// Workers are processes: each has its own runner and client, dies at a call
// with everything in memory, and is started again. So are agents. Their game
// outlives them, and so does the machine's disk, which may be full, or cut short
// in a write, or be lost. Machines outlive neither.
//
// # Phases
//
// Chaos for Options.Hours; then all faults end, and after a calm everything must
// be as people want it; then drills (drill.go), in which one thing happens at a
// time and is to be told in time; then a keeper puts the fire out, and everything
// must be gone and told. What may never be is looked at all the time: package oracle is
// told all that happens (watch.go), and what is true of the games (package
// games), whatever anybody says of them.
//
// RunMonth (month.go) is the same house in gentle weather: a group plays for some
// weeks, and what that costs is counted.
//
// # Why a seed replays exactly
//
// Every actor has a lane and everything drawn has dice of its own (package
// replay). One processor, and no collection of garbage within a seed: whoever
// wakes runs until all it woke have come to rest. The tests see to it. The
// result's hash is of everything that happened and when; two runs of a seed
// have the same.
//
// # Planted bugs
//
// Bug makes one of the adapters forget a guard, so that it can be seen that the
// oracles find what they are for. docs/promises.md has the figures.
package chaos
