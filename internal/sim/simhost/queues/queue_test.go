package queues_test

import (
	"bytes"
	"testing"

	"hearth/internal/sim/simhost/queues"
)

func TestEncode(t *testing.T) {
	const most = 48 << 10
	if text, err := queues.Encode(bytes.Repeat([]byte("a"), most), true); err != nil || len(text) != queues.MaxText {
		t.Errorf("48 KiB: got %d bytes and %v", len(text), err)
	}
	for asBase64, n := range map[bool]int{true: most + 1, false: queues.MaxText + 1} {
		if _, err := queues.Encode(make([]byte, n), asBase64); err == nil {
			t.Errorf("%d bytes, base64 %v: got no error", n, asBase64)
		}
	}
	if text, err := queues.Encode([]byte("a"), false); err != nil || text != "a" {
		t.Errorf("got %q and %v", text, err)
	}
}
