// Package deploy brings Hearth from a checkout to Azure, and up to date there: it
// does what a keeper would do by hand, in the same order, with the same programs.
//
//	tools ─▶ login ─▶ agent ─▶ terraform init ─▶ token ─▶ plan ─▶ package ─▶ agree
//	      ─▶ apply ─▶ token into the vault ─▶ publish ─▶ the app answers
//	      ─▶ commands ─▶ address at Discord
//
// Invariants:
//   - Every step looks first and does nothing if nothing is to be done, so that a
//     second run changes nothing, and one that was broken off goes on.
//   - A plan that would take a world's data away, or a machine on which somebody may
//     play, is refused, whoever agrees to it.
//   - The bot's token stands in no argument, no log and no file but one that is
//     readable by its owner alone and gone when the Azure CLI has read it.
//   - Terraform is never killed while it writes: it is asked to end, and waited for.
//
// What goes wrong is a *Problem: sentences with what to do next. Rights that Azure
// gave a moment ago are waited for; nothing else is tried twice.
package deploy
