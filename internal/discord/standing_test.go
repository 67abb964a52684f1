package discord_test

import (
	"testing"

	"hearth/internal/discord"
)

// TestPermissions: as of Discord's documentation, "Permission Overwrites".
func TestPermissions(t *testing.T) {
	const view, send, embed, admin = 1 << 10, 1 << 11, 1 << 14, 1 << 3
	role := func(id string, has discord.Bits) discord.Role { return discord.Role{ID: id, Permissions: has} }
	over := func(id string, allow, deny discord.Bits) discord.Overwrite {
		return discord.Overwrite{ID: id, Allow: allow, Deny: deny}
	}
	for name, tc := range map[string]struct {
		roles      []discord.Role
		overwrites []discord.Overwrite
		owner      string
		want       discord.Bits
	}{
		"everybody's and one's own":                 {[]discord.Role{role("g", view), role("r", send), role("other", embed)}, nil, "", view | send},
		"administrators, whatever the channel says": {[]discord.Role{role("g", 0), role("r", admin)}, []discord.Overwrite{over("g", 0, view), over("u", 0, send)}, "", ^discord.Bits(0)},
		"the owner":                           {[]discord.Role{role("g", 0)}, nil, "u", ^discord.Bits(0)},
		"the channel takes from everybody":    {[]discord.Role{role("g", view|send)}, []discord.Overwrite{over("g", 0, send)}, "", view},
		"a role gives it back":                {[]discord.Role{role("g", view|send), role("r", 0)}, []discord.Overwrite{over("r", send, 0), over("g", 0, send)}, "", view | send},
		"one role's yes beats the other's no": {[]discord.Role{role("g", view|send)}, []discord.Overwrite{over("r", 0, send), over("r2", send, 0)}, "", view | send},
		"the member's own word is the last":   {[]discord.Role{role("g", view|send)}, []discord.Overwrite{over("u", 0, view), over("r", view, 0)}, "", send},
		"others' words do not count":          {[]discord.Role{role("g", view)}, []discord.Overwrite{over("x", send, view)}, "", view},
	} {
		t.Run(name, func(t *testing.T) {
			g := discord.GuildInfo{ID: "g", OwnerID: tc.owner, Roles: tc.roles}
			m := discord.Member{User: discord.User{ID: "u"}, Roles: []string{"r", "r2"}}
			if got := discord.Permissions(g, m, discord.ChannelInfo{Overwrites: tc.overwrites}); got != tc.want {
				t.Errorf("got %b, want %b", got, tc.want)
			}
		})
	}
}
