// Package drill has the cloud take a world's machine on purpose, follows what
// comes of it in the world's row, and tells how long each part took and whose it
// was: the cloud's, the game's or Hearth's own.
//
// The row is all that it looks at, on Azure and with `hearth up` alike, so a drill
// measures what happened to people and needs nothing of the machine. It does
// nothing but ask for the eviction: whoever ends it early leaves the world to
// come back by itself.
package drill
