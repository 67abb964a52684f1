package simhost_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"hearth/internal/sim/simhost"
)

// A request goes in, its command leaves through the queue output, and the queue
// function is woken for it at once: the whole path, on real queues.
func TestWholePath(t *testing.T) {
	t.Parallel()
	const command = `{"op":"start","id":"x"}`
	r := newRig(t, map[string]string{"front/function.json": frontFile, "work/function.json": workFile}, func(w http.ResponseWriter, c call) {
		switch c.URL.Path {
		case "/front":
			out := base64.StdEncoding.EncodeToString([]byte(command))
			say(`{"Outputs":{"res":{"statusCode":202,"headers":{"Content-Type":"application/json","X-One":"1"},"body":"{\"type\":5}"},"out":"`+out+`"},"Logs":["heard"]}`)(w, c)
		case "/work":
			say(`{}`)(w, c)
		}
	}).queued()
	r.write("host.json", `{"version":"2.0","extensions":{"queues":{"maxPollingInterval":"00:01:00"}},"customHandler":{"description":{"defaultExecutablePath":"handler"}}}`)
	r.start().idle()

	resp := r.do(http.MethodPost, "/api/front/ana?q=1&q=2", `{"type":2}`, "Content-Type", "application/json")
	if resp.status != 202 || resp.body != `{"type":5}` || resp.header.Get("X-One") != "1" || resp.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %+v", resp)
	}
	begin := time.Now()
	r.eventually("the message is deleted", func() bool { return r.count(simhost.Deleted) == 1 })
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("the listener was woken after %v", took)
	}
	want := []simhost.Phase{"received", "invoked", "answered", "bound"}
	r.mu.Lock()
	var queue, front []simhost.Phase
	for _, m := range r.moments {
		if m.Function == "work" {
			queue = append(queue, m.Phase)
			if m.MessageID == "" || m.DequeueCount != 1 {
				t.Errorf("got the moment %+v, want a message's", m)
			}
		} else {
			front = append(front, m.Phase)
		}
	}
	r.mu.Unlock()
	if !slices.Equal(queue, append(want, "deleted")) || !slices.Equal(front, append(want, "replied")) {
		t.Errorf("got the phases %v and %v", front, queue)
	}

	e := r.called("/work")[0].envelope(t)
	var text, message string
	if json.Unmarshal(e.Data["job"], &text) != nil || json.Unmarshal([]byte(text), &message) != nil || message != command {
		t.Errorf("got Data.job %s, want the message doubly encoded", e.Data["job"])
	}
	if got := string(e.Metadata["Id"]); got != `"\"x\""` {
		t.Errorf("got Metadata.Id %s, want it overridden by the message's own", got)
	}
	if got := string(e.Metadata["DequeueCount"]); got != `"1"` {
		t.Errorf("got Metadata.DequeueCount %s, want a string", got)
	}
	var req struct {
		URL, Method, Body string
		Query, Params     map[string]string
		Headers           map[string][]string
	}
	if err := json.Unmarshal(r.called("/front")[0].envelope(t).Data["req"], &req); err != nil {
		t.Fatal(err)
	}
	if req.URL != "http://app.example/api/front/ana?q=1&q=2" || req.Method != "POST" || req.Body != `{"type":2}` || req.Query["q"] != "1,2" || req.Params["name"] != "ana" || req.Headers["Content-Type"][0] != "application/json" {
		t.Errorf("got the request %+v", req)
	}
	if length := r.called("/front")[0].Header.Get("X-Test-Length"); length != "-1" {
		t.Errorf("got Content-Length %s, want the envelope in chunks", length)
	}
	if len(r.peek(r.jobs)) > 0 {
		t.Error("the message is still there")
	}
}
