package form

import "fmt"

// Types of answers to an interaction.
const (
	AnswerPong           = 1
	AnswerMessage        = 4
	AnswerDefer          = 5
	AnswerDeferUpdate    = 6
	AnswerUpdate         = 7
	AnswerAutocomplete   = 8
	AnswerModal          = 9
	AnswerPremium        = 10
	AnswerLaunchActivity = 12
)

// Answer is what an endpoint answers to an interaction.
type Answer struct {
	Type int // 1 to 12; not all of them exist
	data any
}

// ReadAnswer reads an answer's body but for its data, which depends on what
// was asked. Its errors are ErrJSON and *Problems.
func ReadAnswer(body []byte) (Answer, error) {
	v, err := decode(body)
	if err != nil {
		return Answer{}, err
	}
	var p Problems
	o := newObject(v, nil, &p)
	kind, _ := o.whole("type", AnswerPong, AnswerLaunchActivity)
	if _, ok := o.get("type"); !ok {
		o.required("type")
	}
	data, _ := o.get("data")
	o.close()
	return Answer{Type: int(kind), data: data}, p.Err()
}

// Message reads the data as a message. Its error is a *Problems.
func (a Answer) Message() (Draft, error) {
	var p Problems
	d := readDraft(newObject(a.data, []string{"data"}, &p), answer)
	return d, p.Err()
}

// Deferred reads the data of a deferred answer, of which only the EPHEMERAL
// flag counts.
func (a Answer) Deferred() (ephemeral bool, err error) {
	if a.data == nil {
		return false, nil
	}
	var p Problems
	o := newObject(a.data, []string{"data"}, &p)
	flags, _ := o.whole("flags", 0, 1<<31-1)
	if flags&^Ephemeral != 0 {
		return false, fmt.Errorf("flags %d in a deferred answer: only EPHEMERAL (64) counts there", flags)
	}
	o.close()
	if err := p.Err(); err != nil {
		return false, fmt.Errorf("a deferred answer carries flags only: %w", err)
	}
	return flags != 0, nil
}
