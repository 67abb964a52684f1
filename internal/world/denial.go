package world

// Denial is why somebody may not do what they asked.
type Denial string

// The denials. DenyNone is permission, and the only one.
const (
	DenyNone        Denial = ""
	DenyGuild       Denial = "guild"        // not the guild of this deployment
	DenyChannel     Denial = "channel"      // neither the channel nor the keeper's
	DenyDirect      Denial = "direct"       // a direct message
	DenyRole        Denial = "role"         // none of the world's roles
	DenyKeeper      Denial = "keeper"       // for keepers only
	DenyButton      Denial = "button"       // a button of the keeper's messages
	DenyLog         Denial = "log"          // the game's log, for keepers only
	DenyWorld       Denial = "world"        // no such world
	DenyWorldNeeded Denial = "world_needed" // there are several, and none was named
	DenyCommand     Denial = "command"      // not something anybody can ask for
)
