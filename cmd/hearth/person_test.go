//go:build linux

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// hears is an output that does something at a word.
type hears struct {
	word string
	do   func()

	mu   sync.Mutex // guards what follows
	said strings.Builder
}

func (h *hears) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said.Write(b)
	if strings.Contains(h.said.String(), h.word) {
		h.do()
	}
	return len(b), nil
}

// TestBrokenOffWhileAsked: Ctrl-C is an answer to every question.
func TestBrokenOffWhileAsked(t *testing.T) {
	for name, question := range map[string]string{"a line": "is there already", "a secret": "The bot's token"} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			t.Chdir(root)
			for file, text := range map[string]string{
				"go.mod": "module hearth\n", "infra/terraform.tfvars": "", "bin/az": "#!/bin/sh\necho '[{\"id\":\"1\",\"name\":\"Mine\",\"isDefault\":true}]'\n",
			} {
				if name == "a secret" && file == "infra/terraform.tfvars" {
					continue
				}
				if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("PATH", filepath.Join(root, "bin"))
			// It stays open: who was reading it still does.
			terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
			if err != nil {
				t.Skipf("there is no terminal here: %v", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			out := &hears{word: question, do: cancel}
			var stderr strings.Builder
			done := make(chan int, 1)
			go func() {
				done <- run(ctx, []string{"hearth", "init"}, func(string) string { return "" }, terminal, out, &stderr)
			}()
			select {
			case code := <-done:
				if code != exitFailed || !strings.Contains(stderr.String(), "It was broken off; nothing was written.") {
					t.Errorf("run = %d, %q", code, stderr.String())
				}
			case <-time.After(time.Minute):
				t.Errorf("it waits for an answer to %q", question)
			}
		})
	}
}
