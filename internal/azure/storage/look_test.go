package storage_test

import (
	"testing"

	"hearth/internal/world"
)

// TestLook: what is there is found, what is not is no error, and messages are
// counted, hidden ones too.
func TestLook(t *testing.T) {
	s := openOn(t, nil)
	name := newQueue(t)
	for range 2 {
		if err := s.Queue(name).Send(t.Context(), []byte("x"), 0); err != nil {
			t.Fatal(err)
		}
	}
	if there, n, err := s.HasQueue(t.Context(), name); !there || n != 2 || err != nil {
		t.Errorf("a queue of two: %t, %d, %v", there, n, err)
	}
	if there, n, err := s.HasQueue(t.Context(), "no-"+name); there || n != 0 || err != nil {
		t.Errorf("no queue: %t, %d, %v", there, n, err)
	}
	if err := s.Provision(t.Context(), []string{"looked-at"}); err != nil {
		t.Fatal(err)
	}
	if there, _, err := s.HasQueue(t.Context(), world.OrdersQueue("looked-at")); !there || err != nil {
		t.Errorf("a provisioned queue: %t, %v", there, err)
	}
	if there, err := s.HasTable(t.Context(), "nosuchtable"); there || err != nil {
		t.Errorf("no table: %t, %v", there, err)
	}
	if there, err := s.HasTable(t.Context(), "archive"); !there || err != nil {
		t.Errorf("a provisioned table: %t, %v", there, err)
	}
}
