package world_test

import (
	"errors"
	"strings"
	"testing"

	"hearth/internal/world"
)

func TestStateBound(t *testing.T) {
	s := world.NewState("midgard")
	s.Why = strings.Repeat("x", world.MaxStateBytes)
	if _, err := s.Encode(); !errors.Is(err, world.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
}

func TestDecodeState(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want error
	}{
		"nothing":       {"", world.ErrMalformed},
		"not JSON":      {"online", world.ErrMalformed},
		"an array":      {"[]", world.ErrMalformed},
		"no schema":     {`{"world":"midgard"}`, world.ErrSchema},
		"schema 2":      {`{"schema":2}`, world.ErrSchema},
		"schema -1":     {`{"schema":-1}`, world.ErrSchema},
		"of this time":  {`{"schema":1,"world":"midgard","status":"online"}`, nil},
		"with more":     {`{"schema":1,"world":"midgard","of_the_next_version":true}`, nil},
		"a wrong field": {`{"schema":1,"boot":7}`, world.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			if s, err := world.DecodeState([]byte(tc.text)); !errors.Is(err, tc.want) {
				t.Errorf("got %+v, %v, want %v", s, err, tc.want)
			}
		})
	}
}
