// Package operator does what a keeper does once and then forgets: register the
// guild's commands. It speaks to people in whole sentences, and shows no secret.
package operator
