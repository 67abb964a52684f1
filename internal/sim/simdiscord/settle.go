package simdiscord

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// Types of answers to an interaction.
const (
	answerPong           = 1
	answerMessage        = 4
	answerDefer          = 5
	answerDeferUpdate    = 6
	answerUpdate         = 7
	answerAutocomplete   = 8
	answerModal          = 9
	answerPremium        = 10
	answerLaunchActivity = 12
)

// text is the error tree in one line, for a log.
func (p *problems) text() string {
	b, err := json.Marshal(p.root)
	if err != nil {
		return "unreadable"
	}
	return string(b)
}

// settle applies the endpoint's answer to its interaction, or lets it fail.
func (d *Discord) settle(ir *interaction, res result) Outcome {
	d.mu.Lock()
	defer d.mu.Unlock()
	why := ""
	var out Outcome
	switch {
	case d.interactions[ir.ID] != ir:
		why = "the channel was reset meanwhile"
	case res.err != nil:
		why = res.err.Error()
	default:
		out, why = d.apply(ir, res)
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
func (d *Discord) apply(ir *interaction, res result) (out Outcome, why string) {
	kind, data, why := readAnswer(res)
	if why != "" {
		return Outcome{}, why
	}
	var m *stored
	switch kind {
	case answerMessage:
		m, why = d.applyMessage(ir, data)
	case answerDefer:
		m, why = d.applyDefer(ir, data)
	case answerDeferUpdate, answerUpdate:
		m, why = d.applyUpdate(ir, kind, data)
	case answerPong:
		why = "type 1 answers a PING only"
	case answerAutocomplete:
		why = "type 8 answers an autocomplete only, which the pretend Discord does not send"
	case answerModal:
		why = "type 9, a modal: the pretend Discord does not play modals"
	case answerPremium, answerLaunchActivity:
		why = fmt.Sprintf("type %d is not played by the pretend Discord", kind)
	default:
		why = fmt.Sprintf("type %d does not exist", kind)
	}
	if why != "" {
		return Outcome{}, why
	}
	ir.Original = m.ID
	out = Outcome{Type: kind}
	if kind != answerDeferUpdate {
		view := m.Message
		out.Message = &view
	}
	return out, ""
}

// readData reads an answer's data as a message.
func readData(data any) (draft, string) {
	var p problems
	in := readDraft(newObject(data, []string{"data"}, &p), draftAnswer)
	if p.any() {
		return draft{}, "invalid form body (50035): " + p.text()
	}
	return in, ""
}

func (d *Discord) applyMessage(ir *interaction, data any) (*stored, string) {
	in, why := readData(data)
	if why != "" {
		return nil, why
	}
	m := d.interactionMessage(ir, in)
	if !in.put(&m.Message) {
		return nil, "an empty message (50006)"
	}
	d.notified(m, in.allowed.or("users"), true)
	d.add(m)
	return m, ""
}

// applyDefer: of the data only the EPHEMERAL flag counts, and it is final.
func (d *Discord) applyDefer(ir *interaction, data any) (*stored, string) {
	in := draft{}
	if data != nil {
		var p problems
		o := newObject(data, []string{"data"}, &p)
		if flags, ok := o.whole("flags", 0, 1<<31-1); ok {
			if flags&^FlagEphemeral != 0 {
				return nil, fmt.Sprintf("flags %d in a deferred answer: only EPHEMERAL (64) counts there", flags)
			}
			f := int(flags)
			in.flags = &f
		}
		o.close()
		if p.any() {
			return nil, "a deferred answer carries flags only: " + p.text()
		}
	}
	m := d.interactionMessage(ir, in)
	m.Thinking = true
	m.Flags |= FlagLoading
	d.add(m)
	return m, ""
}

// applyUpdate handles types 6 and 7, which are for components only.
func (d *Discord) applyUpdate(ir *interaction, kind int, data any) (*stored, string) {
	if ir.Button == "" {
		return nil, fmt.Sprintf("type %d answers a component only, this was a command", kind)
	}
	m := d.find(ir.Button)
	if m == nil {
		return nil, "the button's message was deleted (10008)"
	}
	if kind == answerDeferUpdate {
		return m, ""
	}
	in, why := readData(data)
	if why != "" {
		return nil, why
	}
	if !in.put(&m.Message) {
		return nil, "an empty message (50006)"
	}
	now := d.now()
	m.Edited = &now
	d.changed(m)
	return m, ""
}
