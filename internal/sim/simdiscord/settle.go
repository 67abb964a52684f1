package simdiscord

import (
	"fmt"
	"log/slog"

	"hearth/internal/sim/simdiscord/form"
	"hearth/internal/sim/simdiscord/guild"
)

// settle applies the endpoint's answer to its interaction, or lets it fail;
// err says why no answer came that can be used.
func (d *Discord) settle(ir *interaction, a form.Answer, err error) Outcome {
	d.mu.Lock()
	defer d.leave()
	why := ""
	var out Outcome
	switch {
	case d.interactions[ir.ID] != ir:
		why = "the channel was reset meanwhile"
	case err != nil:
		why = err.Error()
	default:
		out, why = d.apply(ir, a)
	}
	out.ID = ir.ID
	if why == "" {
		ir.Stage = stageAnswered
		out.State = StateDone
		d.progress(ir, StateDone, "")
		return out
	}
	ir.Stage = stageVoid
	d.stats.Failed++
	d.progress(ir, StateFailed, NotResponding)
	d.opts.Log.Warn("interaction failed", slog.String("interaction", ir.ID), slog.String("reason", why))
	return Outcome{ID: ir.ID, State: StateFailed, Text: NotResponding}
}

// apply does what an answer says; why says what is wrong with it, and then
// nothing was done. d.mu is held.
func (d *Discord) apply(ir *interaction, a form.Answer) (out Outcome, why string) {
	var m *guild.Stored
	switch a.Type {
	case form.AnswerMessage:
		m, why = d.applyMessage(ir, a)
	case form.AnswerDefer:
		m, why = d.applyDefer(ir, a)
	case form.AnswerDeferUpdate, form.AnswerUpdate:
		m, why = d.applyUpdate(ir, a)
	case form.AnswerPong:
		why = "type 1 answers a PING only"
	case form.AnswerAutocomplete:
		why = "type 8 answers an autocomplete only, which the pretend Discord does not send"
	case form.AnswerModal:
		why = "type 9, a modal: the pretend Discord does not play modals"
	case form.AnswerPremium, form.AnswerLaunchActivity:
		why = fmt.Sprintf("type %d is not played by the pretend Discord", a.Type)
	default:
		why = fmt.Sprintf("type %d does not exist", a.Type)
	}
	if why != "" {
		return Outcome{}, why
	}
	ir.Original = m.ID
	out = Outcome{Type: a.Type}
	if a.Type != form.AnswerDeferUpdate {
		view := m.Message
		out.Message = &view
	}
	return out, ""
}

func (d *Discord) applyMessage(ir *interaction, a form.Answer) (*guild.Stored, string) {
	in, err := a.Message()
	if err != nil {
		return nil, invalidData(err)
	}
	m := d.interactionMessage(ir, in.Ephemeral())
	if !m.Put(in) {
		return nil, "an empty message (50006)"
	}
	d.guild.Notify(m, in.Allowed, guild.UsersOnly(), true)
	d.guild.Add(m)
	return m, ""
}

func invalidData(err error) string { return "invalid form body (50035): " + err.Error() }

// applyDefer makes a message that thinks. Whether it is ephemeral is final.
func (d *Discord) applyDefer(ir *interaction, a form.Answer) (*guild.Stored, string) {
	ephemeral, err := a.Deferred()
	if err != nil {
		return nil, err.Error()
	}
	m := d.interactionMessage(ir, ephemeral)
	m.Thinking = true
	m.Flags |= guild.FlagLoading
	d.guild.Add(m)
	return m, ""
}

// applyUpdate handles types 6 and 7, which are for components only.
func (d *Discord) applyUpdate(ir *interaction, a form.Answer) (*guild.Stored, string) {
	if ir.Button == "" {
		return nil, fmt.Sprintf("type %d answers a component only, this was a command", a.Type)
	}
	m := d.guild.Find(ir.Button)
	if m == nil {
		return nil, "the button's message was deleted (10008)"
	}
	if a.Type == form.AnswerDeferUpdate {
		return m, ""
	}
	in, err := a.Message()
	if err != nil {
		return nil, invalidData(err)
	}
	if !m.Put(in) {
		return nil, "an empty message (50006)"
	}
	now := d.guild.Now()
	m.Edited = &now
	d.guild.Changed(m)
	return m, ""
}
