package simdiscord

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"hearth/internal/sim/simdiscord/form"
	"hearth/internal/sim/simdiscord/guild"
)

const savedSchema = 1

// saved is the form of Export. It holds tokens of interactions.
type saved struct {
	Schema      int    `json:"schema"`
	Application string `json:"application"`
	Guild       string `json:"guild"`
	guild.Contents
	Interactions []*interaction      `json:"interactions"`
	Nonces       map[string]nonceUse `json:"nonces"`
	Creates      window              `json:"creates"`
}

// Export writes messages, commands and interactions as JSON, for Import after
// a restart. It contains tokens that work for up to 15 minutes: keep it as
// private as the bot's token. Levers, budgets and counts are not in it.
func (d *Discord) Export() ([]byte, error) {
	d.mu.Lock()
	defer d.leave()
	d.sweep()
	return d.export()
}

// export is Export. d.mu is held.
func (d *Discord) export() ([]byte, error) {
	s := saved{
		Schema:      savedSchema,
		Application: d.opts.ApplicationID,
		Guild:       d.opts.GuildID,
		Contents:    d.guild.Contents(),
		Nonces:      d.nonces,
		Creates:     d.creates,
	}
	for _, ir := range d.interactions {
		s.Interactions = append(s.Interactions, ir)
	}
	slices.SortFunc(s.Interactions, func(a, b *interaction) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	out, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("export channel: %w", err)
	}
	return out, nil
}

// Import replaces messages, commands and interactions by those of an Export
// of the same application and guild. Interactions that were with the endpoint
// then are void, for their answer is lost. After an error nothing has
// changed.
func (d *Discord) Import(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	var s saved
	if err := dec.Decode(&s); err != nil {
		return fmt.Errorf("import channel: not an export of the pretend Discord (start with an empty one): %w", err)
	}
	if err := s.check(d.opts); err != nil {
		return fmt.Errorf("import channel: %w", err)
	}
	d.mu.Lock()
	defer d.leave()
	d.creates = s.Creates
	d.nonces = s.Nonces
	if d.nonces == nil {
		d.nonces = map[string]nonceUse{}
	}
	d.interactions = map[string]*interaction{}
	for _, ir := range s.Interactions {
		if ir.Stage == stagePending {
			ir.Stage = stageVoid
		}
		d.interactions[ir.ID] = ir
	}
	d.guild.Restore(s.Contents)
	return nil
}

// check looks for what would break invariants.
func (s *saved) check(o Options) error {
	if s.Schema != savedSchema {
		return fmt.Errorf("schema %d, this is %d: start with an empty channel", s.Schema, savedSchema)
	}
	if s.Application != o.ApplicationID || s.Guild != o.GuildID {
		return fmt.Errorf("it is of application %q in guild %q, this is %q in %q: start with an empty channel", s.Application, s.Guild, o.ApplicationID, o.GuildID)
	}
	if err := s.Sound(); err != nil {
		return err
	}
	for i, ir := range s.Interactions {
		if ir == nil || !form.IsSnowflake(ir.ID) || ir.Token == "" {
			return fmt.Errorf("interaction %d has no id or token: start with an empty channel", i)
		}
	}
	return nil
}
