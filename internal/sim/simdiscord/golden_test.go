package simdiscord_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"hearth/internal/sim/simdiscord"
)

// TestGolden holds the wire forms still: what is delivered to the endpoint,
// and what the page and the REST API are shown. The bubble's clock and the
// fixed seed make ids and tokens the same in every run. With UPDATE_GOLDEN set
// the files are written anew: read the difference before you keep it.
func TestGolden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registerStart()
		id := w.must("POST", messages, `{"content":"The fire is out.","embeds":[{"title":"Midgard","color":8421504,"fields":[{"name":"Players","value":"0"}]}],"components":[{"type":1,"components":[`+button(1)+`]}]}`)
		r := w.start("Ana")
		r.Options = []simdiscord.OptionValue{{Name: "world", Value: "midgard"}}
		w.interact(r)
		w.interact(simdiscord.Request{User: w.id("Bo"), Channel: channel, Kind: simdiscord.KindButton, Message: id, CustomID: "b1"})
		w.does(rightEndpoint(t, w))
		if err := w.ValidateEndpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		sent := w.deliveries()
		list, _ := w.call("GET", messages, "")
		snapshot, _, _, cancel := w.Subscribe()
		cancel()
		hello, err := json.Marshal(snapshot)
		if err != nil {
			t.Fatal(err)
		}
		for name, got := range map[string][]byte{
			"command.json": sent[0].body, "button.json": sent[1].body, "ping.json": sent[2].body,
			"messages.json": list.Body, "hello.json": hello,
		} {
			golden(t, name, got)
		}
	})
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, got, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pretty.Bytes(), want) {
		t.Errorf("%s differs; got\n%s", path, pretty.Bytes())
	}
}
