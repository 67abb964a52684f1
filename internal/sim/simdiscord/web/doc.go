// Package web is the HTTP face of the pretend Discord: its REST API for bots,
// the way to an interactions endpoint that has an address, and a page to type
// in, with room beside the channel for a panel that is handed in.
//
// It decides nothing: what Discord would do is package simdiscord's. Names,
// contents and option values are data: they leave as JSON only, never inside
// HTML.
package web
